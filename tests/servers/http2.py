"""A server that speaks HTTP/2 over TLS and nothing else, with a certificate of its own."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded, WindowUpdated

HOST = "127.0.0.1"


@dataclass
class Http2:
    """Answers each request with `body`. `asked`: headers of requests, in order; `connections`: how many there were."""

    certificate: Path
    port: int = 0
    body: bytes = b"hello"
    asked: list[dict[str, str]] = field(default_factory=list)
    connections: int = 0

    @property
    def place(self) -> str:
        return f"{HOST}:{self.port}"

    def trusting(self) -> ssl.SSLContext:
        """A client's context that trusts this server alone."""
        return ssl.create_default_context(cafile=str(self.certificate))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        left: dict[int, bytes] = {}
        try:
            while not writer.is_closing():
                writer.write(connection.data_to_send())
                await writer.drain()
                received = await reader.read(65_536)
                if not received:
                    break
                for event in connection.receive_data(received):
                    if isinstance(event, RequestReceived):
                        self.asked.append({str(name): str(value) for name, value in event.headers})
                    elif isinstance(event, StreamEnded):
                        connection.send_headers(event.stream_id, [(":status", "200"), ("content-type", "text/plain")])
                        left[event.stream_id] = self.body
                    if isinstance(event, StreamEnded | WindowUpdated):
                        _send(connection, left)
        except (ConnectionError, ssl.SSLError):
            return
        finally:
            writer.close()


def _send(connection: H2Connection, left: dict[int, bytes]) -> None:
    """As much as the other side has room for."""
    for stream in list(left):
        while left[stream]:
            room = min(connection.local_flow_control_window(stream), connection.max_outbound_frame_size)
            if room <= 0:
                return
            connection.send_data(stream, left[stream][:room])
            left[stream] = left[stream][room:]
        connection.end_stream(stream)
        del left[stream]


@asynccontextmanager
async def speaking_http2(folder: Path) -> AsyncIterator[Http2]:
    certificate, key = _certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2"])
    there = Http2(certificate)
    server = await asyncio.start_server(there.serve, HOST, 0, ssl=context)
    there.port = server.sockets[0].getsockname()[1]
    try:
        yield there
    finally:
        server.close()


def _certificate(folder: Path) -> tuple[Path, Path]:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name, hour = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)]), timedelta(hours=1)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - hour, now + hour)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return certificate, secret
