import type { Knex } from 'knex';

/** A stretch of a session on one node and of one size. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('segments', (table) => {
    table.bigIncrements('id');
    table.bigInteger('session_id').unsigned().notNullable().references('id').inTable('sessions');
    table.bigInteger('node_id').unsigned().notNullable().references('id').inTable('nodes');
    table.bigInteger('started_at').notNullable();
    table.bigInteger('ended_at');
    table.double('cores');
    table.bigInteger('memory_bytes');
    table.index(['session_id', 'started_at']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('segments');
}
