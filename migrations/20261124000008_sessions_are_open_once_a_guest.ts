import type { Knex } from 'knex';

/** An unbroken run of a guest; the unique key on open_guest_id lets one of a guest be open (ledger rule 13). */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('sessions', (table) => {
    table.bigIncrements('id');
    table.bigInteger('guest_id').unsigned().notNullable().references('id').inTable('guests');
    table.bigInteger('open_guest_id').unsigned().unique();
    table.bigInteger('start_at').notNullable();
    table.bigInteger('start_earliest');
    table.bigInteger('start_latest').notNullable();
    table.string('start_evidence', 32).notNullable();
    table.text('start_proof');
    table.string('start_upid', 512).collate('utf8mb4_bin');
    table.bigInteger('end_at');
    table.bigInteger('end_earliest');
    table.bigInteger('end_latest');
    table.string('end_evidence', 32);
    table.text('end_proof');
    table.string('end_reason', 32);
    table.string('stop_upid', 512).collate('utf8mb4_bin');
    table.string('user', 255);
    table.bigInteger('node_id').unsigned().references('id').inTable('nodes');
    table.bigInteger('created_at').notNullable();
    table.bigInteger('updated_at').notNullable();
    table.index(['guest_id', 'start_at']);
    table.index(['start_at']);
    table.index(['end_at']);
    table.index(['node_id', 'start_at']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('sessions');
}
