// Generates src/gen from the contract in ../proto, with protoc from PATH or from the variable PROTOC.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const protos = [
  'flow/flow.proto',
  'observer/observer.proto',
  'relay/relay.proto',
  'tycho/v1/dashboard.proto',
  'tycho/v1/edges.proto',
  'tycho/v1/endpoints.proto',
  'tycho/v1/flows.proto',
  'tycho/v1/nodes.proto',
  'tycho/v1/policies.proto',
];
const out = join(here, 'src', 'gen');
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const protoc = process.env.PROTOC || 'protoc';
const result = spawnSync(
  protoc,
  [
    '-I',
    join(here, '..', 'proto'),
    `--plugin=protoc-gen-es=${join(here, 'node_modules', '.bin', 'protoc-gen-es')}`,
    `--es_out=${out}`,
    '--es_opt=target=ts',
    ...protos,
  ],
  { stdio: 'inherit' },
);
if (result.error) {
  console.error(
    `${protoc} cannot be run (${result.error.message}): install protobuf-compiler, or name it in the variable PROTOC`,
  );
}
process.exit(result.status ?? 1);
