import type { Knex } from 'knex';

/** One row a node and poll; a list was asked where its outcome is set, and seen where its instants are. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('polls', (table) => {
    table.bigIncrements('id');
    table.bigInteger('node_id').unsigned().notNullable().references('id').inTable('nodes');
    table.bigInteger('began_at').notNullable();
    table.bigInteger('finished_at').notNullable();
    table.string('qemu_outcome', 32);
    table.string('lxc_outcome', 32);
    table.string('tasks_outcome', 32);
    table.bigInteger('qemu_sent_at');
    table.bigInteger('qemu_received_at');
    table.bigInteger('lxc_sent_at');
    table.bigInteger('lxc_received_at');
    table.bigInteger('offset_earliest_ms');
    table.bigInteger('offset_latest_ms');
    table.text('error');
    table.index(['node_id', 'began_at']);
    table.index(['node_id', 'qemu_sent_at']);
    table.index(['node_id', 'lxc_sent_at']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('polls');
}
