import type { Knex } from 'knex';

/** A node; a re-installed one is a new generation of the same Proxmox name. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('nodes', (table) => {
    table.bigIncrements('id');
    table.bigInteger('cluster_id').unsigned().notNullable().references('id').inTable('clusters');
    table.string('name', 255).notNullable().collate('utf8mb4_bin').unique();
    table.string('proxmox_name', 255).notNullable().collate('utf8mb4_bin');
    table.string('hostname', 255).notNullable();
    table.string('source', 16).notNullable();
    table.integer('generation').notNullable().defaultTo(1);
    table.tinyint('is_active').notNullable().defaultTo(1);
    table.string('health', 32).notNullable();
    table.text('last_error');
    table.bigInteger('boot_at');
    table.bigInteger('boot_earliest');
    table.bigInteger('boot_latest');
    table.string('version', 255);
    table.bigInteger('coverage_since');
    table.bigInteger('created_at').notNullable();
    table.bigInteger('removed_at');
    table.unique(['cluster_id', 'proxmox_name', 'generation']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('nodes');
}
