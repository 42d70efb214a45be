import type { Knex } from 'knex';

/** What push agents sent, once an event; `answer` is what the first delivery was told, for the second. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('agent_events', (table) => {
    table.bigIncrements('id');
    table.bigInteger('node_id').unsigned().notNullable().references('id').inTable('nodes');
    table.string('event_id', 255).collate('utf8mb4_bin');
    table.string('kind', 16).notNullable();
    table.bigInteger('arrived_at').notNullable();
    table.bigInteger('stamp_at');
    table.bigInteger('sent_at');
    table.text('body', 'mediumtext');
    table.text('answer');
    table.unique(['node_id', 'event_id']);
    table.index(['arrived_at']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('agent_events');
}
