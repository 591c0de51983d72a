"""Who a request says it is from: a reference to a secret in the place that the document names, never an argument."""

from typing import Any

import pytest

from tests.unit.application.openapi.described import imported, only_tool, openapi, reason, swagger

BEARER = {"type": "http", "scheme": "bearer"}
KEY = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
BASIC = {"type": "http", "scheme": "basic"}
TLS = {"type": "mutualTLS"}
CLIENT = {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://login.example.com/token", "scopes": {}}}}
PERSON = {"type": "oauth2", "flows": {"authorizationCode": {"tokenUrl": "https://login.example.com/token", "scopes": {}}}}


def secured(security: Any, **schemes: Any) -> dict[str, Any]:
    return openapi({"/x": {"get": {"security": security}}}, components={"securitySchemes": schemes})


@pytest.mark.parametrize(
    ("scheme", "auth"),
    [
        pytest.param(BEARER, {"bearer": "${secret.my_key}"}, id="a bearer token"),
        pytest.param(BASIC, {"basic": {"username": "${secret.my_key_username}", "password": "${secret.my_key}"}}, id="a password"),
        pytest.param(KEY, {"header": {"name": "X-API-Key", "value": "${secret.my_key}"}}, id="a key in a header"),
        pytest.param({**KEY, "in": "query"}, {"query": {"name": "X-API-Key", "value": "${secret.my_key}"}}, id="in the query"),
        pytest.param({**KEY, "in": "cookie"}, {"cookie": {"name": "X-API-Key", "value": "${secret.my_key}"}}, id="in a cookie"),
        pytest.param({"type": "openIdConnect"}, {"bearer": "${secret.my_key}"}, id="a token of OpenID"),
        pytest.param(PERSON, {"bearer": "${secret.my_key}"}, id="a token that a person gets"),
        pytest.param(
            CLIENT,
            {
                "oauth2": {
                    "token_url": "https://login.example.com/token",
                    "client_id": "${secret.my_key_client_id}",
                    "client_secret": "${secret.my_key}",
                    "scope": "read write",
                }
            },
            id="a token that a client gets for itself",
        ),
    ],
)
def test_a_scheme_becomes_a_reference_to_a_secret(scheme: Any, auth: Any) -> None:
    assert only_tool(secured([{"myKey": ["read", "write"]}], myKey=scheme))["config"]["auth"] == [auth]


@pytest.mark.parametrize(
    ("scheme", "auth"),
    [
        pytest.param({"type": "basic"}, {"basic": {"username": "${secret.key_username}", "password": "${secret.key}"}}, id="a password"),
        pytest.param({"type": "apiKey", "in": "query", "name": "k"}, {"query": {"name": "k", "value": "${secret.key}"}}, id="a key"),
        pytest.param({"type": "oauth2", "flow": "implicit"}, {"bearer": "${secret.key}"}, id="a token that a person gets"),
        pytest.param(
            {"type": "oauth2", "flow": "application", "tokenUrl": "/token"},
            {
                "oauth2": {
                    "token_url": "https://api.example.com/token",
                    "client_id": "${secret.key_client_id}",
                    "client_secret": "${secret.key}",
                }
            },
            id="a token that a client gets for itself",
        ),
    ],
)
def test_schemes_of_swagger(scheme: Any, auth: Any) -> None:
    document = swagger({"/x": {"get": {}}}, security=[{"key": []}], securityDefinitions={"key": scheme})

    assert only_tool(document)["config"]["auth"] == [auth]


@pytest.mark.parametrize(
    ("security", "kinds"),
    [
        pytest.param([{"tls": []}, {"key": []}], ["header"], id="the first that can be done"),
        pytest.param([{"key": []}, {"bearer": []}], ["header"], id="the first of several"),
        pytest.param([{"key": [], "bearer": []}], ["header", "bearer"], id="all that are asked for together"),
        pytest.param([{"bearer": [], "person": []}], ["bearer"], id="two tokens in the place of one are one"),
        pytest.param([{}, {"key": []}], [], id="nobody in particular"),
        pytest.param([], [], id="no security here, whatever the document says elsewhere"),
        pytest.param(None, ["bearer"], id="what the document says where the operation says nothing"),
    ],
)
def test_which_schemes_are_taken(security: Any, kinds: list[str]) -> None:
    document = secured(security, tls=TLS, key=KEY, bearer=BEARER, person=PERSON)
    document["security"] = [{"bearer": []}]
    if security is None:
        del document["paths"]["/x"]["get"]["security"]

    assert [next(iter(auth)) for auth in only_tool(document)["config"].get("auth", [])] == kinds


@pytest.mark.parametrize(
    "security",
    [
        pytest.param([{"tls": []}], id="a scheme that tools cannot do"),
        pytest.param([{"nobody": []}], id="a scheme there is not"),
        pytest.param([{"bearer": [], "basic": []}], id="two in the same place"),
        pytest.param([{"lost": []}], id="a key that goes nowhere"),
        pytest.param([{"key": [], "tls": []}], id="one of those that are asked for together"),
    ],
)
def test_security_that_cannot_be_done_is_a_reason(security: Any) -> None:
    document = secured(security, tls=TLS, key=KEY, bearer=BEARER, basic=BASIC, lost={"type": "apiKey", "name": "k", "in": "body"})

    assert reason(document) == ("security_not_supported", "/paths/~1x/get")


def test_a_parameter_that_repeats_the_key_is_no_argument() -> None:
    document = secured([{"key": []}], key=KEY)
    document["paths"]["/x"]["get"]["parameters"] = [{"in": "header", "name": "x-api-key", "required": True, "schema": {}}]

    assert only_tool(document)["parameters"]["properties"] == {}


def test_credentials_in_a_parameter_are_a_secret_too() -> None:
    document = openapi({"/x": {"get": {"parameters": [{"in": "header", "name": "Authorization", "required": True, "schema": {}}]}}})
    tool = only_tool(document)

    assert tool["config"]["auth"] == [{"header": {"name": "Authorization", "value": "${secret.authorization}"}}]
    assert tool["parameters"]["properties"] == {}


def test_credentials_in_a_parameter_beside_other_security_are_no_argument_either() -> None:
    document = secured([{"key": []}], key=KEY)
    document["paths"]["/x"]["get"]["parameters"] = [{"in": "header", "name": "Authorization", "schema": {}}]

    assert only_tool(document)["parameters"]["properties"] == {}


def test_an_import_says_which_secrets_to_configure_and_for_which_hosts() -> None:
    document = secured([{"gitHub": []}], gitHub=BEARER, client=CLIENT)
    document["paths"]["/y"] = {"get": {"security": [{"gitHub": []}], "servers": [{"url": "https://uploads.example.com"}]}}
    document["paths"]["/z"] = {"get": {"security": [{"client": []}]}}

    assert [(one.name, one.hosts, one.tools) for one in imported(document).told.secrets] == [
        ("client", ["api.example.com", "login.example.com"], 1),
        ("client_client_id", ["api.example.com", "login.example.com"], 1),
        ("git_hub", ["api.example.com", "uploads.example.com"], 2),
    ]


def test_a_service_that_is_not_behind_https_is_named_with_its_port() -> None:
    document = secured([{"key": []}], key=BEARER)
    document["servers"] = [{"url": "http://localhost:8040"}]

    assert [one.hosts for one in imported(document).told.secrets] == [["localhost:8040"]]


def test_a_secret_may_be_called_otherwise() -> None:
    tool = only_tool(secured([{"key": []}], key=BEARER), secrets={"key": "github"})

    assert tool["config"]["auth"] == [{"bearer": "${secret.github}"}]
