// A client of the Model Context Protocol by others: `node mcp_client.mjs '{"url": ..., "key": ...}'` or '{"command": [...], "env": {...}}'.
// Lists the tools, calls run_steady and hears its progress, gives up run_waiting at its first progress, and prints what it saw as JSON.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const given = JSON.parse(process.argv[2]);
const transport = given.url
  ? new StreamableHTTPClientTransport(new URL(given.url), { requestInit: { headers: { Authorization: `Bearer ${given.key}` } } })
  : new StdioClientTransport({ command: given.command[0], args: given.command.slice(1), env: given.env, cwd: given.cwd, stderr: 'inherit' });
const client = new Client({ name: 'test', version: '1.0.0' });
await client.connect(transport);

const { tools } = await client.listTools();
const progress = [];
const called = await client.callTool(
  { name: 'run_steady', arguments: { said: '' } },
  undefined,
  { onprogress: ({ progress: done, message }) => progress.push([done, message]) },
);

const stop = new AbortController();
const gone = await client
  .callTool({ name: 'run_waiting', arguments: {} }, undefined, { signal: stop.signal, onprogress: () => stop.abort('enough') })
  .then(() => 'answered', (error) => String(error));

const failed = await client.callTool({ name: 'run_steady', arguments: {} });
console.log(JSON.stringify({ tools: tools.map((tool) => tool.name), called, progress, gone, failed }));
await client.close();
