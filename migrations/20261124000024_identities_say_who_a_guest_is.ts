import type { Knex } from 'knex';

/** One row a reading of a config, or of a clone's log: facts, from which incarnations are told apart. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('identities', (table) => {
    table.bigIncrements('id');
    table.bigInteger('cluster_id').unsigned().notNullable().references('id').inTable('clusters');
    table.bigInteger('node_id').unsigned().notNullable().references('id').inTable('nodes');
    table.string('type', 16).notNullable();
    table.bigInteger('vmid').notNullable();
    table.string('kind', 16).notNullable();
    table.bigInteger('earliest').notNullable();
    table.bigInteger('latest').notNullable();
    table.tinyint('is_log_complete').notNullable().defaultTo(1);
    table.string('uuid', 64);
    table.bigInteger('created_time_s');
    table.string('hwaddr', 64);
    table.text('rootfs');
    // Of a clone: its task, which is read once.
    table.string('upid', 512).collate('utf8mb4_bin').unique();
    table.bigInteger('created_at').notNullable();
    table.index(['cluster_id', 'type', 'vmid', 'earliest']);
    table.index(['node_id']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('identities');
}
