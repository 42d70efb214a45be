import { run } from './cli.js';
import { runProcess } from './commands/run-process.js';

await runProcess(run, process.argv.slice(2), process.env);
