#include "detectors/statistics/checkpoint_failure.hpp"

#include <array>

#include "detectors/advice.hpp"

namespace doctor {
namespace {

struct Text {
  std::string_view begin;
  CheckpointFailure failure;
};
using enum CheckpointFailure;
constexpr std::array<Text, 27> kTexts{{
    {"Checkpoint expired before completing.", expired},
    {"Asynchronous task checkpoint failed.", async},
    {"Could not materialize checkpoint", async},
    // "Checkpoint was declined." itself comes last, after the longer ones that begin alike.
    {"Checkpoint was declined (tasks not ready)", consequence},
    {"Checkpoint was declined (task is closing)", consequence},
    {"Checkpoint was declined because one input stream is finished", consequence},
    {"Checkpoint was declined", declined},
    {"Could not complete snapshot", declined},
    {"An Exception occurred while triggering the checkpoint. IO-problem", storage},
    {"Failure to finalize checkpoint.", finalise},
    {"Trigger checkpoint failure.", trigger},
    {"An Exception occurred while triggering the checkpoint.", trigger},
    {"Checkpoint has been subsumed.", consequence},
    {"Checkpoint was canceled because a barrier from newer", consequence},
    {"Task received cancellation from one of its inputs", consequence},
    {"Checkpoint Coordinator is suspending.", consequence},
    {"CheckpointCoordinator shutdown.", consequence},
    {"Periodic checkpoint scheduler is shut down.", consequence},
    {"The job has failed.", consequence},
    {"FailoverRegion is restarting.", consequence},
    {"Task has failed.", consequence},
    {"Unknown task for the checkpoint to notify.", consequence},
    {"Not all required tasks are currently running.", consequence},
    {"Blocking output edge exists in running tasks.", consequence},
    {"The maximum number of", consequence},  // concurrent or queued checkpoints
    {"Another checkpoint request has already been queued.", consequence},
    {"The minimum time between checkpoints is still pending.", consequence},
}};

}  // namespace

CheckpointFailure checkpoint_failure(std::string_view message) {
  // What stands before the last of these marks holds names of the job's own.
  constexpr std::string_view kMark = "Failure reason: ";
  if (const std::size_t mark = message.rfind(kMark); mark != std::string_view::npos) {
    message.remove_prefix(mark + kMark.size());
  }
  for (const Text& text : kTexts) {
    if (message.starts_with(text.begin)) return text.failure;
  }
  return other;
}

std::string_view to_string(CheckpointFailure failure) {
  switch (failure) {
    case expired:
      return "expired";
    case declined:
      return "declined by a task";
    case async:
      return "failed in a task's asynchronous part";
    case storage:
      return "without access to their storage";
    case finalise:
      return "not finalised by the JobManager";
    case trigger:
      return "not triggered by the JobManager or a source";
    case other:
      return "for another reason";
    case consequence:
      return "by a restart or an end";
  }
  return "";
}

bool counts_as_failed(CheckpointFailure failure, const ClusterFacts* cluster) {
  if (failure == finalise) return is_at_least(cluster, 1, 16);
  return failure == expired || failure == declined || failure == async || failure == storage;
}

}  // namespace doctor
