import type { Knex } from 'knex';

/**
 * What a person said of an edge of a session, or of a finding of the checker: a row is added for each word and never
 * changed, and what was derived stays as it is (ledger rule 25). The newest word on an edge counts.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('session_corrections', (table) => {
    table.bigIncrements('id');
    table.bigInteger('guest_id').unsigned().notNullable().references('id').inTable('guests');
    // A session that is derived anew may vanish; what was said of it stays on record.
    table.bigInteger('session_id').unsigned().references('id').inTable('sessions').onDelete('SET NULL');
    // `start`, `end`, or `accept`: the finding is known and stays as it is.
    table.string('field', 16).notNullable();
    // The edge as derived when the word was given: once later evidence moves it, the word is about something else.
    table.bigInteger('derived_at');
    // Null: what was derived counts again.
    table.bigInteger('corrected_at');
    table.string('finding', 128).notNullable();
    table.text('sentence').notNullable();
    table.text('reason').notNullable();
    table.string('actor', 255).notNullable();
    table.bigInteger('created_at').notNullable();
    table.index(['session_id']);
    table.index(['guest_id']);
    table.index(['finding']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('session_corrections');
}
