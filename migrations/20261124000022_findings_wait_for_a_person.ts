import type { Knex } from 'knex';

/** What the last run of the sanity checker found and nobody settled; each run writes it anew. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('findings', (table) => {
    table.bigIncrements('id');
    table.string('finding_key', 128).notNullable().collate('utf8mb4_bin').unique();
    table.string('kind', 32).notNullable();
    table.bigInteger('guest_id').unsigned().notNullable().references('id').inTable('guests').onDelete('CASCADE');
    // No reference: the session may be derived anew before the next run.
    table.bigInteger('session_id');
    table.text('sentence').notNullable();
    // The correction that would settle it, as JSON; null where none is certain.
    table.text('repair');
    table.bigInteger('first_found_at').notNullable();
    table.index(['guest_id']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('findings');
}
