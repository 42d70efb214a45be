import type { Knex } from 'knex';

/** One row an incarnation; the unique key on current_vmid lets one life bear a VMID at a time. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('guests', (table) => {
    table.bigIncrements('id');
    table.bigInteger('cluster_id').unsigned().notNullable().references('id').inTable('clusters');
    table.string('type', 16).notNullable();
    table.bigInteger('vmid').notNullable();
    table.integer('life').notNullable();
    table.bigInteger('current_vmid');
    table.string('name', 255);
    table.string('uuid', 64);
    table.bigInteger('created_time_s');
    table.string('hwaddr', 64);
    table.text('rootfs');
    table.bigInteger('node_id').unsigned().references('id').inTable('nodes');
    // A container may be limited to a part of a core.
    table.double('cores');
    table.bigInteger('memory_bytes');
    table.text('tags');
    table.string('pool', 255);
    table.tinyint('is_template').notNullable().defaultTo(0);
    table.bigInteger('first_seen_at').notNullable();
    table.bigInteger('destroyed_at');
    table.bigInteger('destroyed_earliest');
    table.bigInteger('destroyed_latest');
    table.string('destroyed_evidence', 32);
    table.bigInteger('created_at').notNullable();
    table.unique(['cluster_id', 'current_vmid']);
    table.index(['cluster_id', 'vmid']);
    table.index(['node_id']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('guests');
}
