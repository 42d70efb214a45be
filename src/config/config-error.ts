/** A fault of one field of an entry: how the sentence goes on after the field's name. */
export interface FieldFault {
  field: string;
  message: string;
  /** True where it is fine but for another entry, which has that already. */
  isTaken?: boolean;
}

/** A configuration that cannot be used. Its message is one sentence: the key, what is wrong with its value, and the mend; never a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(
    message: string,
    /** The field that it speaks of, where that is one of an entry of `nodes:`. */
    readonly fault: FieldFault | null = null,
  ) {
    super(message);
  }
}

/** The error of one field of the entry that stands at `place`, such as `nodes[1]`. */
export function fieldError(place: string, field: string, message: string): ConfigError {
  return new ConfigError(`${place}.${field} ${message}`, { field, message });
}
