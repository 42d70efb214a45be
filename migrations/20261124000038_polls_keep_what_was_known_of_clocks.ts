import type { Knex } from 'knex';

/** What the readings so far say of the node's clock and of its boot by uptime, and when its log was asked: a manager that starts goes on from there. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('polls', (table) => {
    table.bigInteger('tasks_sent_at');
    table.string('clock', 255);
    table.string('uptime_clock', 255);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('polls', (table) => {
    table.dropColumns('tasks_sent_at', 'clock', 'uptime_clock');
  });
}
