import type { Knex } from 'knex';

/** What an agent, or a person, said of one guest, on the manager's clock. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('agent_reports', (table) => {
    table.bigIncrements('id');
    table.bigInteger('guest_id').unsigned().notNullable().references('id').inTable('guests');
    table.bigInteger('node_id').unsigned().notNullable().references('id').inTable('nodes');
    table.string('source', 16).notNullable();
    table.string('state', 16).notNullable();
    table.tinyint('is_edge').notNullable();
    table.bigInteger('earliest').notNullable();
    table.bigInteger('latest').notNullable();
    table.bigInteger('start_earliest');
    table.bigInteger('start_latest');
    table.tinyint('is_young').notNullable().defaultTo(0);
    table.bigInteger('contact_before_at');
    table.string('actor', 255);
    table.bigInteger('created_at').notNullable();
    table.index(['guest_id', 'latest']);
    table.index(['node_id', 'latest']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('agent_reports');
}
