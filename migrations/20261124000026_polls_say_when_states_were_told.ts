import type { Knex } from 'knex';

/** The instants between which the states of all VMs that ran on the node were told; NULL where one of them was not. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('polls', (table) => {
    table.bigInteger('states_earliest');
    table.bigInteger('states_latest');
    table.index(['node_id', 'states_earliest']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('polls', (table) => {
    table.dropIndex(['node_id', 'states_earliest']);
    table.dropColumn('states_earliest');
    table.dropColumn('states_latest');
  });
}
