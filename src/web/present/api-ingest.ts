import type { AgentAnswer, AgentCall } from '../../core/ingest.js';
import { isoOf } from './api-values.js';

/** The answer to a call of an agent (wire-contract.md, "Ingest"). */
export function presentAnswer({ word }: AgentCall, answer: AgentAnswer, now: number) {
  switch (word.kind) {
    case 'register':
      return { success: true, message: `Node ${answer.nodeName} is registered`, node_id: answer.nodeId };
    case 'heartbeat':
      return { success: true, server_time: isoOf(now), force_sync: answer.isSyncDue };
    case 'start':
      return {
        success: true,
        message: answer.wasRunning ? `VM ${word.vmid} runs already` : `VM ${word.vmid} started`,
        session_id: answer.sessionId,
      };
    case 'stop':
      return {
        success: true,
        message: answer.sessionId === null ? `VM ${word.vmid} was not running` : `VM ${word.vmid} stopped`,
        session_id: answer.sessionId,
        duration_seconds: answer.durationMs === null ? null : Math.floor(answer.durationMs / 1000),
      };
    case 'states':
      return {
        success: true,
        message: `${answer.processedCount} VMs processed`,
        vms_processed: answer.processedCount,
        sessions_started: answer.startedCount,
        sessions_stopped: answer.stoppedCount,
      };
  }
}
