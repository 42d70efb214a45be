import type { Knex } from 'knex';

/** A stretch in which nothing is known of a node, and why; one of a node may be open (ledger rule 1). */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('gaps', (table) => {
    table.bigIncrements('id');
    table.bigInteger('cluster_id').unsigned().notNullable().references('id').inTable('clusters');
    table.bigInteger('node_id').unsigned().notNullable().references('id').inTable('nodes');
    table.bigInteger('open_node_id').unsigned().unique();
    table.bigInteger('started_at').notNullable();
    table.bigInteger('ended_at');
    table.string('reason', 32).notNullable();
    table.text('detail');
    table.tinyint('is_proven').notNullable().defaultTo(0);
    table.index(['node_id', 'started_at']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('gaps');
}
