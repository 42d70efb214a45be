/** A configuration that cannot be used. Its message is one sentence: the key, what is wrong with its value, and the mend; never a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
