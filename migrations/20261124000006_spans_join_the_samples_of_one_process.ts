import type { Knex } from 'knex';

/** Samples of one process, or of a guest at rest, joined; the unique key lets one span of a guest be open. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('spans', (table) => {
    table.bigIncrements('id');
    table.bigInteger('guest_id').unsigned().notNullable().references('id').inTable('guests');
    table.bigInteger('open_guest_id').unsigned().unique();
    table.bigInteger('node_id').unsigned().notNullable().references('id').inTable('nodes');
    table.string('state', 16).notNullable();
    table.bigInteger('pid');
    table.bigInteger('boot_at');
    table.bigInteger('first_sent').notNullable();
    table.bigInteger('first_received').notNullable();
    table.bigInteger('last_sent');
    table.bigInteger('last_received');
    table.bigInteger('start_earliest');
    table.bigInteger('start_latest');
    table.tinyint('is_barred').notNullable().defaultTo(0);
    table.tinyint('is_young').notNullable().defaultTo(0);
    table.bigInteger('sample_sent');
    table.bigInteger('sample_received');
    table.bigInteger('sample_uptime_s');
    table.index(['guest_id', 'first_sent']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('spans');
}
