"""The faults that a study survives: what happens in each, and the tests that inject it."""

from __future__ import annotations

from dataclasses import dataclass

EXECUTE, CLUSTER, STORE, TRACK, SEARCH = (
    f"tests/saddle/{folder}" for folder in ("execute", "cluster", "store", "track", "search")
)
SLOTS = f"{EXECUTE}/worker/test_slots.py"
INTERRUPTED = f"{EXECUTE}/test_interrupted_runs.py"
INTERRUPTED_ELSEWHERE = "tests/faults/test_interrupted_elsewhere.py"
DISKS = f"{EXECUTE}/test_full_disks.py"
S3_STORE, CONDITIONS = f"{STORE}/s3/test_store.py", f"{STORE}/s3/test_conditions.py"
CHECKPOINTS = f"{STORE}/checkpoint/test_checkpoints.py"
MLFLOW = f"{TRACK}/test_bad_servers.py"
HOSTILE = "tests/faults/test_hostile_trainables.py"
KILLED_LATER = "the same command continues; every trial once, running ones from their last epoch"
GPU_FAILED = (
    "without MPS only that trial fails, and its worker is replaced; with it one of those on the GPU is blamed, and "
    "the others continue"
)
HEAD_BACK = (
    "the driver ends within a minute with one line; the same command continues, also with state in Redis or RocksDB"
)
FROM_BUCKET = "another one continues from the bucket; no stored epoch is trained again"
WALK, WALKED = "tests/faults/test_growing_walk.py", "every trial once, also when read from the bucket alone"
WORKER_REPLACED = "its trial continues from its last epoch on another slot; the third death fails only that trial"


@dataclass(frozen=True)
class FaultRow:
    """A fault by its name, what follows, and its tests as FILE::FUNCTION; `limit`: what no test covers."""

    name: str
    follows: str
    tests: tuple[str, ...]
    limit: str = ""


ROWS = (
    FaultRow("driver SIGKILL ×20 in one study", KILLED_LATER, (
        f"{EXECUTE}/test_resuming.py::test_twenty_kills_at_random_moments_leave_the_ledger_of_an_undisturbed_ablation",
        f"{EXECUTE}/test_resuming.py::test_a_search_killed_at_random_moments_keeps_its_invariants",
    )),
    FaultRow("driver SIGSTOP 90 s while another takes over", "the stopped one detects its replacement and ends", (
        f"{EXECUTE}/test_stale_drivers.py::test_a_stopped_driver_that_goes_on_changes_nothing_of_its_successor_s",
    )),
    FaultRow("Ctrl-C once", "stops after the current epochs, exit code 130", (
        f"{INTERRUPTED}::test_ctrl_c_stops_between_epochs_says_how_to_go_on_and_the_same_command_does",
    )),
    FaultRow("Ctrl-C twice", "ends immediately, nothing keeps running", (
        f"{INTERRUPTED}::test_a_second_ctrl_c_ends_at_once_and_leaves_nothing_running",
    )),
    FaultRow("Ctrl-C during Ray's start", "exit code 130, nothing keeps running; the same command continues", (
        f"{INTERRUPTED_ELSEWHERE}::test_ctrl_c_during_rays_start",
    )),
    FaultRow("Ctrl-C during the report", "the trials are in the ledger; the same command writes the report", (
        f"{INTERRUPTED_ELSEWHERE}::test_ctrl_c_during_the_report",
    )),
    FaultRow("worker SIGKILL", WORKER_REPLACED, (
        f"{SLOTS}::test_a_worker_that_dies_is_replaced_and_its_trial_goes_on_from_its_checkpoint",
        f"{EXECUTE}/worker/test_groups.py::test_a_rank_that_dies_in_an_epoch_costs_its_trial_nothing",
    )),
    FaultRow("worker OOM", f"{WORKER_REPLACED}; the cause names Ray's memory monitor", (
        f"{EXECUTE}/worker/test_out_of_memory.py::test_rays_oom_killer_is_named",
    )),
    FaultRow("slot actor death", WORKER_REPLACED, (
        f"{SLOTS}::test_a_worker_that_always_dies_fails_its_trial_alone",
        f"{CLUSTER}/failures/test_causes.py::test_a_killed_worker_counts_and_a_lost_machine_does_not",
    )),
    FaultRow("a GPU failed under a trial", GPU_FAILED, (
        f"{EXECUTE}/test_gpu_shares.py::test_no_trial_runs_in_a_process_whose_gpu_failed",
        f"{EXECUTE}/test_gpu_shares.py::test_with_mps_the_trial_to_blame_fails_and_all_others_end",
        f"{EXECUTE}/test_shared_gpu_faults.py::test_only_the_culprit_is_given_up",
    ), limit="on a logical GPU, with CUDA's messages; not on a real one"),
    FaultRow("the head is lost with all on it", FROM_BUCKET, (
        "tests/pages/test_operations.py::test_a_head_that_is_lost_in_mid_run_costs_no_finished_epoch",
    )),
    FaultRow("raylet SIGKILL of a node", "its trials continue elsewhere; it counts against no configuration", (
        f"{CLUSTER}/test_lost_nodes.py::test_five_lost_machines_in_turn_do_not_count",
    )),
    FaultRow("node joins, node drains", "a node that joins is used, and no trial is lost with one that drains", (
        f"{CLUSTER}/test_growing_clusters.py::test_nodes_that_join_are_used_and_those_that_leave_are_missed_by_no_trial",
    )),
    FaultRow("an autoscaler's request of a killed driver", "is withdrawn some seconds later; idle nodes end", (
        (f"{CLUSTER}/test_growing_clusters.py::"
        "test_from_no_node_to_as_many_as_declared_and_down_again_also_after_a_kill"),
    )),
    FaultRow("GCS restart where Ray supports it", HEAD_BACK, (
        "tests/faults/test_restarted_head.py::test_a_driver_of_a_head_that_was_restarted_ends_and_the_same_command_goes_on",
        (f"{CLUSTER}/test_lost_cluster.py::"
        "test_a_control_process_that_dies_ends_the_run_in_a_line_and_the_same_command_goes_on"),
    )),
    FaultRow("a node's network cut with its orphan reporting", "its writes are refused, its messages not heard", (
        "tests/faults/test_cut_network.py::test_an_orphan_behind_a_cut_network_changes_nothing",
        f"{EXECUTE}/test_driver_faults.py::test_an_orphans_fault_is_not_heard",
        f"{EXECUTE}/worker/test_trial_runner.py::test_an_attempt_that_was_taken_for_dead_writes_no_more",
        f"{STORE}/ownership/test_fence.py::test_an_orphan_of_an_earlier_attempt_changes_nothing",
    )),
    FaultRow("a cluster that grows, with a node killed, one joining, MLflow restarted, then its head lost", WALKED, (
        (f"{WALK}::"
        "test_forty_trials_on_a_cluster_that_starts_with_no_worker_and_the_bucket_alone_afterwards"),
    )),
    FaultRow("MLflow down at start", "the study runs; its messages wait in the outbox", (
        f"{MLFLOW}::test_a_server_known_to_be_dead_is_not_waited_for",
        f"{MLFLOW}::test_what_waits_is_delivered_by_whoever_opens_the_study_next",
    )),
    FaultRow("MLflow down mid-run", "everything arrives once it is back", (
        f"{MLFLOW}::test_a_server_killed_and_restarted_on_the_way",
    )),
    FaultRow("MLflow flapping", "no run is made twice, none is left RUNNING", (
        f"{MLFLOW}::test_requests_fail_in_every_way",
        f"{TRACK}/test_stopped_runs.py::test_no_run_is_left_running",
    )),
    FaultRow("MLflow 500s", "a run that was created although the answer was 500 is not created again", (
        f"{MLFLOW}::test_a_run_that_was_made_although_500_was_answered_is_not_made_again",
    )),
    FaultRow("MLflow slow", "training does not wait", (
        f"{MLFLOW}::test_a_slow_server_gets_everything_while_nobody_waits",
        f"{MLFLOW}::test_a_hung_server_is_not_waited_for_long",
    )),
    FaultRow("MLflow 403", "reported by name with the option that fixes it", (
        f"{TRACK}/test_host_guard.py::test_a_study_says_it_as_it_starts_and_at_its_end",
    )),
    FaultRow("S3 down", "retried for a minute, then the study ends with exit code 3 and continues later", (
        f"{S3_STORE}::test_what_does_not_heal_ends_soon_and_says_what_and_where",
        f"{STORE}/checkpoint/test_checkpoints.py::test_a_store_that_cannot_be_reached_is_no_reason_to_start_again",
    )),
    FaultRow("S3 503s, slow", "retried with growing pauses", (f"{S3_STORE}::TestS3StoreBelowAPrefixOnAFaultyWire",)),
    FaultRow("S3 truncated upload", "never taken for the blob", (
        f"{S3_STORE}::test_a_large_blob_that_fails_leaves_the_old_one_and_no_parts",
        f"{S3_STORE}::test_a_truncated_answer_is_never_taken_for_the_blob",
    )),
    FaultRow("S3 stale listing", "what was not copied is not deleted; a listing outside its folder is refused", (
        f"{CONDITIONS}::test_what_was_not_copied_is_not_deleted",
        f"{CONDITIONS}::test_a_listing_that_leaves_its_folder_empties_no_bucket",
    )),
    FaultRow("S3 conditions ignored", "refused before anything trains, and detected if it begins later", (
        f"{CONDITIONS}::test_an_endpoint_that_keeps_no_condition_is_refused_by_name_and_left_as_it_was",
        f"{CONDITIONS}::test_a_server_that_forgets_its_conditions_later_is_found_out_by_the_driver_that_lost",
    )),
    FaultRow("PostgreSQL restarted", "the search waits and continues as if nothing had happened", (
        f"{SEARCH}/test_database.py::test_a_search_over_a_restarted_server_is_the_search_undisturbed",
        f"{SEARCH}/test_study_on_shared_databases.py::test_databases_and_the_tracking_server_restarted_in_mid_study",
    )),
    FaultRow("disk full for the storage", "the study ends with exit code 3, no trial is blamed", (
        f"{DISKS}::test_a_storage_that_fills_up",
    )),
    FaultRow("disk full for temporary files", "the same", (
        f"{DISKS}::test_a_folder_of_the_trainables_own_that_fills_up",
        f"{STORE}/test_infrastructure_errors.py::test_a_temporary_folder_that_is_full_is_no_missing_path",
    )),
    FaultRow("read-only storage in mid-run", "the same", (f"{DISKS}::test_a_storage_that_is_read_only_by_now",)),
    FaultRow("corrupt, truncated, zero-length ledger file", "named by verify, rebuilt with --repair or run again", (
        f"{STORE}/ledger/test_ledger.py::test_a_damaged_entry_is_named",
        "tests/saddle/verify/test_verify_study.py::test_it_is_named_and_mended",
    )),
    FaultRow("corrupt, truncated, zero-length checkpoint", "the one before is used", (
        f"{CHECKPOINTS}::test_a_damaged_checkpoint_falls_back_to_the_one_before",
        f"{CHECKPOINTS}::test_a_damaged_checkpoint_is_never_loaded_as_a_result",
    )),
    FaultRow("corrupt journal (tail and middle)", "repaired from the ledger, reported in a line", (
        f"{SEARCH}/test_journal.py::test_every_damage_is_mended_and_said_in_a_line",
    )),
    FaultRow("a pickle in a checkpoint's place", "not loaded: no code of a state is run", (
        f"{CHECKPOINTS}::test_a_state_can_run_no_code",
        f"{STORE}/checkpoint/test_plain_state.py::test_an_old_state_that_holds_code_is_named_in_one_line",
    )),
    FaultRow("clock backwards", "hours spent are counted on a clock that can't be set", (
        f"{EXECUTE}/test_progress.py::test_a_wall_clock_that_is_set_changes_nothing",
    ), limit="by a stand-in for the clock: a machine has one, which other tests need"),
    FaultRow("two drivers at once, local", "the second is refused and names the first", (
        (f"{STORE}/ownership/test_lock.py::"
        "test_the_second_driver_is_told_who_holds_the_study_and_a_killed_one_holds_nothing"),
    )),
    FaultRow("two drivers at once, S3", "one gets the study, also if both found no owner", (
        f"{STORE}/ownership/test_lease.py::test_of_two_drivers_that_both_found_nobody_one_gets_the_study",
        f"{STORE}/s3/test_real_server.py::test_two_drivers_of_one_study_are_told_apart",
    )),
    FaultRow("Ray cluster full", "the missing resources are reported, with who holds them", (
        f"{CLUSTER}/capacity/test_resource_wait.py::test_what_is_waited_for_is_said_and_the_run_goes_on_once_it_is_free",
    )),
    FaultRow("Ray address dead", "one line that states what would be right", (
        f"{CLUSTER}/test_local_clusters.py::test_without_a_cluster_it_says_what_would_be_right",
    )),
    FaultRow("a trainable that hangs", "timed out, its slot replaced", (
        f"{SLOTS}::test_a_trial_that_hangs_is_timed_out_and_its_slot_is_replaced",
    )),
    FaultRow("a trainable that exits", "its trial fails immediately", (
        f"{EXECUTE}/worker/test_worker_deaths.py::test_what_only_asks_for_the_end_fails_the_trial_at_once",
    )),
    FaultRow("a trainable that forks", "its trial ends as it would have; the child ends with the study", (
        f"{HOSTILE}::test_one_that_forks_leaves_no_process",
    )),
    FaultRow("a trainable that prints without end", "head, tail and the count of what was left out are kept", (
        f"{EXECUTE}/worker/test_output_capture.py::test_all_that_is_printed_is_kept_with_its_trial",
        f"{STORE}/run_files/test_trial_output.py::test_head_tail_and_the_count_of_what_is_left_out_make_the_whole",
    )),
    FaultRow("a trainable that reports NaN", "its trial diverged, and is not a result for the sampler", (
        f"{EXECUTE}/worker/test_trial_runner.py::test_how_a_trial_went_wrong_is_told_apart",
        f"{SEARCH}/test_optuna_search.py::test_nan_is_never_stored_as_a_result",
    )),
    FaultRow("a trainable with 100,000 reports", "each is kept; what an epoch writes does not grow", (
        f"{HOSTILE}::test_one_with_very_many_reports_is_kept_whole",
        f"{STORE}/checkpoint/test_curve.py::test_what_an_epoch_writes_does_not_grow_with_their_number",
    )),
    FaultRow("a trainable with 500 MB of arrays", "kept, and the driver's memory does not grow", (
        f"{HOSTILE}::test_one_with_large_arrays_burdens_no_driver",
    )),
)  # fmt: skip
