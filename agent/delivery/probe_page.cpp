#include "agent/delivery/probe_page.hpp"

#include <prometheus/text_serializer.h>

#include <optional>

#include "agent/delivery/families.hpp"

namespace doctor {
namespace {

using host::DirectoryReport;
using host::HostReport;
using host::ProcessReport;

std::string prefixed(std::string_view name) {
  return std::string("flink_doctor_probe_").append(name);
}

/// Adds series of one set of labels; what is absent is left out.
class Writer {
 public:
  Writer(Families& families, LabelSet labels) : families_(families), labels_(std::move(labels)) {}

  Writer with(std::string_view label, std::string value) const {
    Writer more(*this);
    more.labels_.emplace_back(label, std::move(value));
    return more;
  }
  template <class T>
  void gauge(std::string_view name, std::string_view help, const std::optional<T>& value) const {
    if (value) put(Kind::gauge, name, help, static_cast<double>(*value));
  }
  void gauge(std::string_view name, std::string_view help, double value) const {
    put(Kind::gauge, name, help, value);
  }
  template <class T>
  void counter(std::string_view name, std::string_view help, const std::optional<T>& value) const {
    if (value) put(Kind::counter, name, help, static_cast<double>(*value));
  }
  void counter(std::string_view name, std::string_view help, double value) const {
    put(Kind::counter, name, help, value);
  }

 private:
  void put(Kind kind, std::string_view name, std::string_view help, double value) const {
    families_.add(kind, prefixed(name), help, labels_, value);
  }

  Families& families_;
  LabelSet labels_;
};

void add_process_memory(const Writer& out, const ProcessReport& process) {
  const host::ProcessStatus& status = process.status;
  out.gauge("process_resident_memory_bytes", "Resident memory: anonymous, file and shared",
            status.resident_bytes);
  out.gauge("process_resident_anonymous_bytes", "Heap, metaspace, native and stack pages",
            status.anonymous_bytes);
  out.gauge("process_resident_file_bytes", "Mapped files that are resident", status.file_bytes);
  out.gauge("process_resident_shared_bytes", "Shared memory that is resident", status.shared_bytes);
  out.gauge("process_proportional_memory_bytes", "Resident memory, shared pages by their share",
            process.proportional_bytes);
  out.gauge("process_swap_bytes", "Anonymous memory that was swapped out", status.swap_bytes);
  out.gauge("process_heap_max_bytes", "-Xmx", process.heap_max_bytes);
  out.gauge("process_metaspace_max_bytes", "-XX:MaxMetaspaceSize", process.metaspace_max_bytes);
  out.gauge("process_direct_max_bytes", "-XX:MaxDirectMemorySize", process.direct_max_bytes);
}

void add_process_numbers(const Writer& out, const ProcessReport& process) {
  out.with("deployment", std::string(process.deployment))
      .gauge("process_info", "1 for each Flink process", 1);
  out.gauge("process_start_time_seconds", "When the process started", process.start_seconds);
  out.gauge("process_threads", "Threads of the process", process.status.threads);
  out.gauge("process_open_fds", "Open descriptors", process.descriptors);
  out.gauge("process_max_fds", "Soft limit of open descriptors", process.descriptors_max);
  out.with("file", "log").gauge("log_bytes", "Size of a log file", process.log_bytes);
  out.with("file", "out").gauge("log_bytes", "Size of a log file", process.out_bytes);
  out.gauge("working_directory_present", "1 while the TaskManager's tm_… directory is there",
            process.working_directory_present);
  if (!process.blob_connections_known) return;
  out.gauge("blob_port", "Port of the blob server", process.blob_port);
  std::map<std::string_view, std::uint64_t> states{{"established", 0}, {"close_wait", 0}};
  for (const auto& [state, count] : process.blob_connections) states[state] = count;
  for (const auto& [state, count] : states) {
    out.with("state", std::string(state))
        .gauge("blob_connections", "Connections at the blob server's port",
               static_cast<double>(count));
  }
}

void add_pressure(const Writer& out, std::string_view scope, std::string_view resource,
                  const host::Pressure& pressure) {
  const Writer here = out.with("resource", std::string(resource));
  here.counter(std::string(scope) + "_pressure_waiting_seconds_total",
               "Time in which at least one task waited for the resource", pressure.waiting_seconds);
  here.counter(std::string(scope) + "_pressure_stalled_seconds_total",
               "Time in which all tasks waited for the resource", pressure.stalled_seconds);
}

void add_cgroup(const Writer& out, const host::CgroupMemory& cgroup) {
  out.with("version", "v" + std::to_string(cgroup.version))
      .with("cgroup", cgroup.path)
      .gauge("cgroup_info", "1 for the cgroup that limits the process, or holds it", 1);
  out.gauge("cgroup_memory_usage_bytes", "Memory charged to the cgroup", cgroup.usage_bytes);
  out.gauge("cgroup_memory_working_set_bytes", "Usage without inactive file cache",
            cgroup.working_set_bytes);
  out.gauge("cgroup_memory_anonymous_bytes", "Anonymous memory charged to the cgroup",
            cgroup.anonymous_bytes);
  out.gauge("cgroup_memory_limit_bytes", "Limit of the cgroup; no series without one",
            cgroup.limit_bytes);
  out.counter("cgroup_memory_oom_kills_total", "Processes of the cgroup that were killed",
              cgroup.oom_kills);
  out.counter("cgroup_memory_limit_hits_total", "How often usage was about to pass the limit",
              cgroup.limit_hits);
  add_pressure(out, "cgroup", "memory", cgroup.memory_pressure);
  add_pressure(out, "cgroup", "cpu", cgroup.cpu_pressure);
  add_pressure(out, "cgroup", "io", cgroup.io_pressure);
}

std::optional<double> as_number(const std::optional<bool>& flag) {
  return flag ? std::optional(*flag ? 1.0 : 0.0) : std::nullopt;
}

void add_directory(const Writer& process, const DirectoryReport& directory) {
  const Writer out = process.with("role", std::string(directory.role)).with("path", directory.path);
  out.gauge("directory_present", "1 when the directory is there", as_number(directory.present));
  out.gauge("directory_stalled", "1 while reading the directory does not end",
            as_number(directory.stalled));
  if (!directory.file_system.empty()) {
    out.with("fstype", directory.file_system)
        .with("device", directory.device)
        .gauge("directory_network", "1 when the directory is across a network",
               directory.network ? 1.0 : 0.0);
  }
  if (directory.space) {
    const host::Space& space = *directory.space;
    const auto bytes = [](std::uint64_t n) { return static_cast<double>(n); };
    out.gauge("directory_size_bytes", "Size of the file system", bytes(space.size_bytes));
    out.gauge("directory_available_bytes", "Space that Flink can still take",
              bytes(space.available_bytes));
    if (space.inodes > 0) {  // some file systems count none
      out.gauge("directory_inodes", "Inodes of the file system", bytes(space.inodes));
      out.gauge("directory_inodes_free", "Inodes that are left", bytes(space.inodes_free));
    }
    out.gauge("directory_latency_seconds", "Time to open the directory and ask for its space",
              space.latency_seconds);
  }
  out.gauge("directory_file_bytes", "Sum of the files in the directory", directory.file_bytes);
  for (const auto& [kind, count] : directory.temporary) {
    out.with("kind", std::string(kind))
        .gauge("temporary_entries", "What Flink keeps in a temporary directory",
               static_cast<double>(count));
  }
}

void add_processes(Families& families, const HostReport& report) {
  for (const ProcessReport& process : report.processes) {
    const Writer out(families, {{"host", report.host},
                                {"process", std::string(to_string(process.role))},
                                {"pid", std::to_string(process.pid)},
                                {"tm_id", process.tm_id},
                                {"cluster_id", process.cluster_id}});
    add_process_numbers(out, process);
    add_process_memory(out, process);
    if (process.cgroup) add_cgroup(out, *process.cgroup);
    for (const DirectoryReport& directory : process.directories) add_directory(out, directory);
  }
}

void add_machine(Families& families, const HostReport& report) {
  const Writer machine(families, {{"host", report.host}});
  for (const auto& [resource, pressure] : report.machine_pressures) {
    add_pressure(machine, "machine", resource, pressure);
  }
  for (const auto& [name, device] : report.devices) {
    const Writer out = machine.with("device", name);
    out.counter("device_reads_total", "Reads that the block device completed",
                static_cast<double>(device.reads));
    out.counter("device_writes_total", "Writes that the block device completed",
                static_cast<double>(device.writes));
    out.counter("device_read_seconds_total", "Time that those reads took together",
                device.read_seconds);
    out.counter("device_write_seconds_total", "Time that those writes took together",
                device.write_seconds);
    out.counter("device_busy_seconds_total", "Time in which the device had something to do",
                device.busy_seconds);
  }
  for (const auto& [key, count] : report.unreadable) {
    machine.with("what", key.first)
        .with("reason", std::string(key.second))
        .gauge("unreadable", "What the last round could not see", static_cast<double>(count));
  }
  machine.gauge("processes", "Flink processes in the last round",
                static_cast<double>(report.processes.size() + report.processes_omitted));
  machine.gauge("processes_omitted", "Flink processes past the probe's cap",
                static_cast<double>(report.processes_omitted));
}

void add_health(Families& families, const ProbePageInput& input) {
  const Writer out(families, {});
  const ProbeHealth& health = input.health;
  out.with("version", input.version).gauge("build_info", "1; the version is the label", 1);
  out.counter("rounds_total", "Rounds since the probe started", static_cast<double>(health.rounds));
  out.gauge("stalled", "1 while a round takes far longer than it should", health.stalled ? 1 : 0);
  out.gauge("hanging_reads", "Reads that did not end and were left behind",
            static_cast<double>(health.hanging));
  if (health.rounds > 0) {
    out.gauge("round_seconds", "Duration of the last round", health.round_seconds);
    out.gauge("last_round_timestamp_seconds", "When the last round ended",
              static_cast<double>(health.round_ended) / kSecondMs);
  }
  const auto own = [&](Kind kind, std::string_view name, std::string_view help,
                       const std::optional<double>& value) {
    if (value) families.add(kind, name, help, {}, *value);
  };
  own(Kind::counter, "process_cpu_seconds_total", "CPU time of this process",
      input.process.cpu_seconds);
  own(Kind::gauge, "process_resident_memory_bytes", "Resident memory of this process",
      input.process.resident_bytes);
  own(Kind::gauge, "process_open_fds", "Open descriptors of this process", input.process.open_fds);
  own(Kind::gauge, "process_threads", "Threads of this process", input.process.threads);
}

}  // namespace

std::string probe_page(const ProbePageInput& input) {
  Families families(input.series_max);
  add_health(families, input);
  if (input.report != nullptr) {
    add_machine(families, *input.report);
    add_processes(families, *input.report);
  }
  std::vector<prometheus::MetricFamily> page = families.take();
  Families tail(1);  // always fits, whatever the cap cut
  tail.add(Kind::gauge, prefixed("page_series_omitted"), "Series left out of this page by its cap",
           {}, static_cast<double>(families.omitted()));
  page.push_back(std::move(tail.take().front()));
  return prometheus::TextSerializer().Serialize(page);
}

}  // namespace doctor
