// node --no-warnings tests/wasi.mjs PROGRAM.wasm ARGUMENTS...: runs a WebAssembly program that knows files by WASI.
import { readFileSync } from 'node:fs';
import { argv, env, exit } from 'node:process';
import { WASI } from 'node:wasi';

const wasi = new WASI({ version: 'preview1', args: argv.slice(2), env, preopens: { '.': '.', '/tmp': '/tmp' } });
const program = new WebAssembly.Module(readFileSync(argv[2]));
exit(wasi.start(new WebAssembly.Instance(program, wasi.getImportObject())));
