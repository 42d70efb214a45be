import type { Knex } from 'knex';

/** A cluster, or a standalone node as a cluster of its own; keys compare byte by byte on every database. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('clusters', (table) => {
    table.bigIncrements('id');
    table.string('cluster_key', 255).notNullable().collate('utf8mb4_bin').unique();
    table.string('name', 255).notNullable();
    table.bigInteger('revision').notNullable().defaultTo(0);
    table.bigInteger('fence').notNullable().defaultTo(0);
    table.string('lease_holder', 255);
    table.bigInteger('lease_counter').notNullable().defaultTo(0);
    table.bigInteger('created_at').notNullable();
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('clusters');
}
