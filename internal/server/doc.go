// Package server offers an engine over gRPC: it decodes, calls the engine,
// encodes, and bounds what a client may take. It decides nothing about text.
//
// No text of users is logged, counted by content, or quoted in an error.
//
// # Metrics
//
// The admin port serves at /metrics, beside those of Go, the process and gRPC:
//
//	weir_info                      version, snapshot and policy in use; always 1
//	weir_streams_open              streams that are open, by profile
//	weir_streams_ended_total       streams that ended, by last action and how: closed, halted, aborted
//	weir_streams_refused_total     streams that were refused, by reason
//	weir_bytes_total               bytes of text written to streams
//	weir_write_seconds             time in the engine for one write; one of 16 is timed
//	weir_holdback_bytes            bytes held back after a write; one of 16 is looked at
//	weir_findings_total            findings, by category, action and kind of detector
//	weir_retractions_total         times that released text was withdrawn
//	weir_retracted_bytes           bytes from a retraction's offset to what had been released
//	weir_detector_failures_total   detectors that failed on a stream
//	weir_reloads_total             reloads of policy and packs: changed, unchanged, failed
//	weir_panics_total              calls that panicked
//
// of models, by name, and of the cache of their decisions:
//
//	weir_model_info                version and provider of each; always 1
//	weir_model_steps_total         steps: ok, error
//	weir_model_step_seconds        time of one step
//	weir_model_batch_streams       streams judged in one step
//	weir_model_queue_seconds       longest time that a stream of a step waited for a worker
//	weir_model_shed_total          streams turned away because the queue was full
//	weir_model_stuck_total         steps that did not end in time
//	weir_cache_hits_total          strides whose scores were in the decision cache
//	weir_cache_misses_total        strides whose scores were not
//	weir_cache_evicted_total       entries dropped for others
//	weir_cache_bytes               memory of the cache, about
//
// and of weir proxy and the external processor of Envoy:
//
//	weir_requests_total            HTTP requests, by route and outcome
//	weir_request_seconds           time of a request, its whole answer included
//	weir_upstream_cancel_seconds   weir proxy only: from a halt until the upstream's request was cancelled
package server
