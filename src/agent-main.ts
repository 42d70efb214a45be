import { agent } from './commands/agent.js';
import { runCommand } from './commands/run-command.js';
import { runProcess } from './commands/run-process.js';

// The agent alone, which `npm run build:agent` puts into one file: its options follow without the command's name.
const words = process.argv.slice(2);
const argv = words[0] === agent.name ? words : [agent.name, ...words];
await runProcess((given, parts) => runCommand([agent], given, parts), argv, process.env);
