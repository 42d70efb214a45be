import type { Knex } from 'knex';

/** A task of the log that is evidence: each UPID once for ever, compared byte by byte. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('tasks', (table) => {
    table.bigIncrements('id');
    table.bigInteger('cluster_id').unsigned().notNullable().references('id').inTable('clusters');
    table.bigInteger('node_id').unsigned().notNullable().references('id').inTable('nodes');
    // Node, user, token and id may be long together; 512 characters of four bytes still fit an index of InnoDB.
    table.string('upid', 512).notNullable().collate('utf8mb4_bin').unique();
    table.string('type', 64).notNullable();
    table.bigInteger('vmid');
    table.string('user', 255);
    table.text('status');
    table.bigInteger('raw_start_s').notNullable();
    table.bigInteger('raw_end_s');
    table.bigInteger('pstart');
    table.bigInteger('start_earliest').notNullable();
    table.bigInteger('start_latest').notNullable();
    table.bigInteger('end_earliest');
    table.bigInteger('end_latest');
    table.bigInteger('created_at').notNullable();
    table.index(['cluster_id', 'vmid', 'start_latest']);
    table.index(['node_id']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('tasks');
}
