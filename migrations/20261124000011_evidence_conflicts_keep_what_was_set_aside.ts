import type { Knex } from 'knex';

/** Two pieces of evidence that cannot both be true: which was kept, which set aside (ledger rule 12). */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('evidence_conflicts', (table) => {
    table.bigIncrements('id');
    table.bigInteger('guest_id').unsigned().notNullable().references('id').inTable('guests');
    // A session that is derived anew may vanish; what contradicted what stays on record.
    table.bigInteger('session_id').unsigned().references('id').inTable('sessions').onDelete('SET NULL');
    table.string('edge', 16).notNullable();
    table.text('kept').notNullable();
    table.text('set_aside').notNullable();
    table.bigInteger('created_at').notNullable();
    table.index(['guest_id']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('evidence_conflicts');
}
