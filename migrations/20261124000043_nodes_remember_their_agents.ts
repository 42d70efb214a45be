import type { Knex } from 'knex';

/** When a node's push agent was in contact last, how far its clock is ahead, and whether it is to be told to send all it sees. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('nodes', (table) => {
    table.bigInteger('agent_contact_at');
    table.bigInteger('agent_offset_ms');
    table.tinyint('is_sync_due').notNullable().defaultTo(0);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('nodes', (table) => {
    table.dropColumn('agent_contact_at');
    table.dropColumn('agent_offset_ms');
    table.dropColumn('is_sync_due');
  });
}
