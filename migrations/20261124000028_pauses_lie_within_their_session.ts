import type { Knex } from 'knex';

/** A stretch of a session in which its CPUs stood still; the unique key lets one of a session be open (ledger rule 17). */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('pauses', (table) => {
    table.bigIncrements('id');
    table.bigInteger('session_id').unsigned().notNullable().references('id').inTable('sessions');
    table.bigInteger('open_session_id').unsigned().unique();
    table.string('kind', 32).notNullable();
    table.bigInteger('start_at').notNullable();
    table.bigInteger('start_earliest').notNullable();
    table.bigInteger('start_latest').notNullable();
    table.string('start_evidence', 32).notNullable();
    table.string('start_upid', 512).collate('utf8mb4_bin');
    table.bigInteger('end_at');
    table.bigInteger('end_earliest');
    table.bigInteger('end_latest');
    table.string('end_evidence', 32);
    table.string('end_upid', 512).collate('utf8mb4_bin');
    table.index(['session_id', 'start_at']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('pauses');
}
