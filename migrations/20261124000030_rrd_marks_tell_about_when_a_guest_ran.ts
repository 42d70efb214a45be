import type { Knex } from 'knex';

/** Bins of nodes' rrd data that tell about when a guest's process ended, once each; kept only where nothing else tells it. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('rrd_marks', (table) => {
    table.bigIncrements('id');
    table.bigInteger('guest_id').unsigned().notNullable().references('id').inTable('guests');
    table.bigInteger('node_id').unsigned().notNullable().references('id').inTable('nodes');
    table.string('state', 16).notNullable();
    table.bigInteger('stamp_s').notNullable();
    table.integer('step_s').notNullable();
    table.bigInteger('ended_earliest').notNullable();
    table.bigInteger('ended_latest').notNullable();
    table.bigInteger('created_at').notNullable();
    table.index(['guest_id', 'stamp_s']);
    table.index(['node_id']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('rrd_marks');
}
