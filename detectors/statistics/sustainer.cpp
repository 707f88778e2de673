// The table of faults that restarting cannot cure, and what does. Texts: Flink's and the JVM's own.
#include <array>

#include "detectors/advice.hpp"
#include "detectors/statistics/fault.hpp"

namespace doctor {
namespace {

struct Entry {
  std::string_view text;
  std::string_view what;
  std::string_view remedy;
  std::string_view option;
  std::string_view value;
};

constexpr std::array<Entry, 17> kTable{{
    {"OutOfMemoryError: Metaspace", "the metaspace is full: classes stay loaded",
     "restart the TaskManager, look for a class loader leak, meanwhile raise the metaspace",
     "taskmanager.memory.jvm-metaspace.size", "twice the present size"},
    {"Java heap space", "the heap is full",
     "give the heap more room, or find what fills it: a heap dump of the next death tells",
     "taskmanager.memory.task.heap.size", "half as much again"},
    {"GC overhead limit exceeded", "the heap is full", "give the heap more room",
     "taskmanager.memory.task.heap.size", "half as much again"},
    {"Direct buffer memory", "direct memory is used up",
     "give direct memory of user code or connectors room of its own",
     "taskmanager.memory.task.off-heap.size", "256m more than now"},
    {"unable to create new native thread", "no more threads can be made",
     "raise the limits on processes (ulimit -u, pids of the container), look for leaked threads",
     "", ""},
    {"unable to create native thread", "no more threads can be made",
     "raise the limits on processes (ulimit -u, pids of the container), look for leaked threads",
     "", ""},
    {"No space left on device", "a disk is full",
     "free the disk: temporary directories, local RocksDB state, logs, old savepoints",
     "io.tmp.dirs", "a directory on a disk with room"},
    {"Failed to fetch BLOB", "the job's jar or data cannot be fetched from the JobManager",
     "keep blobs where no cleaner runs (not under /tmp), and restart the JobManager once",
     "blob.storage.directory", "a directory that nothing cleans"},
    {"blobStore", "the job's files under the temporary directory are gone",
     "keep Flink's temporary files where no cleaner runs", "io.tmp.dirs",
     "a directory that nothing cleans"},
    {"NoSuchFileException: /tmp", "files under the temporary directory are gone",
     "keep Flink's temporary files where no cleaner runs", "io.tmp.dirs",
     "a directory that nothing cleans"},
    {"FileNotFoundException: /tmp", "files under the temporary directory are gone",
     "keep Flink's temporary files where no cleaner runs", "io.tmp.dirs",
     "a directory that nothing cleans"},
    {"NoClassDefFoundError", "a class cannot be found",
     "check the job's jar, and whether a cleaner removed jars from the temporary directory", "",
     ""},
    {"ClassNotFoundException", "a class cannot be found",
     "check the job's jar, and whether a cleaner removed jars from the temporary directory", "",
     ""},
    {"Insufficient number of network buffers", "there are too few network buffers for the job",
     "give the network more memory", "taskmanager.memory.network.max", "twice the present size"},
    {"tolerable failure threshold", "too many checkpoints failed in a row",
     "find why checkpoints fail; until then let the job live through more of them",
     "execution.checkpointing.tolerable-failed-checkpoints", "3"},
    {"Async function call has timed out", "an external service does not answer in time",
     "raise the timeout or lower the capacity of the async operator in the job, and look at the "
     "service",
     "", ""},
    {"NoResourceAvailableException", "there are not enough slots",
     "add TaskManagers, or slots to them", "taskmanager.numberOfTaskSlots", "one more"},
}};

}  // namespace

std::optional<Sustainer> sustainer_of(const ExceptionRecord& fault, const ClusterFacts* cluster) {
  const std::string text = fault.name + " " + fault.message + " " + fault.root_cause;
  for (const Entry& entry : kTable) {
    if (text.find(entry.text) == std::string::npos) continue;
    Sustainer found{
        std::string(entry.what),
        {std::string(entry.remedy), std::string(entry.option), "", std::string(entry.value)}};
    if (!entry.option.empty()) {
      found.remedy.current = first_option(cluster, {entry.option}).value_or("");
    }
    return found;
  }
  return std::nullopt;
}

}  // namespace doctor
