import type { Knex } from 'knex';

/** What the readings so far say of the node's clock and of its boot by uptime, and when its log was asked: a manager that starts goes on from there. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('polls', (table) => {
    table.bigInteger('tasks_sent_at');
    table.bigInteger('clock_earliest_ms');
    table.bigInteger('clock_latest_ms');
    table.bigInteger('uptime_earliest');
    table.bigInteger('uptime_latest');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('polls', (table) => {
    table.dropColumns('tasks_sent_at', 'clock_earliest_ms', 'clock_latest_ms', 'uptime_earliest', 'uptime_latest');
  });
}
