#include "collectors/host/host_probe.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "collectors/host/lines.hpp"
#include "collectors/host/process_reader.hpp"

namespace doctor::host {
namespace {

constexpr std::size_t kProcNamesMax = 200'000;
constexpr std::size_t kCommandLineBytesMax = 256U << 10U;
constexpr std::size_t kSmallFileBytesMax = 64U << 10U;
constexpr std::size_t kSystemStatBytesMax = 1U << 20U;  // one line a processor and interrupt

std::vector<std::int64_t> process_ids(const std::vector<std::string>& names) {
  std::vector<std::int64_t> ids;
  for (const std::string& name : names) {
    if (const auto pid = whole<std::int64_t>(name)) ids.push_back(*pid);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace

std::optional<DeviceReport> parse_device_stat(std::string_view text) {
  constexpr double kMillis = 1000;
  std::vector<std::uint64_t> numbers;
  for (const std::string_view word : words(text)) {
    const auto number = whole(word);
    if (!number) return {};
    numbers.push_back(*number);
  }
  if (numbers.size() < 10) return {};
  const auto seconds = [&](std::size_t i) { return static_cast<double>(numbers[i]) / kMillis; };
  return DeviceReport{numbers[0], numbers[4], seconds(3), seconds(7), seconds(9)};
}

HostReport HostProbe::collect() {
  HostReport report;
  read_machine(report);
  present_.clear();
  const Result<std::vector<std::string>> names = files_.list({roots_.proc}, kProcNamesMax);
  if (!names) {
    report.unread("proc", names.error().code);
    return report;
  }
  for (const std::int64_t pid : process_ids(*names)) {
    ++report.processes_seen;
    const Place process{roots_.proc + "/" + std::to_string(pid)};
    const Result<std::string> cmdline = files_.head(process / "cmdline", kCommandLineBytesMax);
    if (!cmdline) {
      // That one ended while we looked is how machines are.
      if (cmdline.error().code != ErrorCode::gone) report.unread("cmdline", cmdline.error().code);
      continue;
    }
    const std::optional<CommandLine> line = parse_command_line(*cmdline);
    if (!line) continue;
    if (report.processes.size() >= kProcessesMax) {
      ++report.processes_omitted;
      continue;
    }
    read_process(pid, *line, report);
  }
  std::erase_if(identities_, [&](const auto& known) { return !present_.contains(known.first); });
  return report;
}

void HostProbe::read_process(std::int64_t pid, const CommandLine& line, HostReport& report) {
  const Place process{roots_.proc + "/" + std::to_string(pid)};
  const Result<std::string> stat = files_.read(process / "stat", kSmallFileBytesMax);
  if (!stat) {
    if (stat.error().code != ErrorCode::gone) report.unread("stat", stat.error().code);
    return;
  }
  const std::optional<std::uint64_t> start = parse_start_ticks(*stat);
  if (!start) return report.unread("stat", ErrorCode::malformed);
  const ProcessKey key{pid, *start};
  present_.insert(key);
  ProcessReader reader(files_, roots_, pid, line, identities_[key], report);
  ProcessReport read = reader.read();
  if (boot_seconds_) {
    read.start_seconds =
        static_cast<double>(*boot_seconds_) + static_cast<double>(*start) / kTicksPerSecond;
  }
  report.processes.push_back(std::move(read));
}

void HostProbe::read_machine(HostReport& report) {
  const Place proc{roots_.proc};
  if (Result<std::string> name = files_.read(proc / "sys/kernel/hostname", kSmallFileBytesMax)) {
    const auto all = words(*name, 1);
    if (!all.empty()) report.host = all.front();
  } else {
    report.unread("hostname", name.error().code);
  }
  if (Result<std::string> stat = files_.head(proc / "stat", kSystemStatBytesMax)) {
    boot_seconds_ = parse_boot_seconds(*stat);
  }
  constexpr std::array<std::string_view, 3> kResources{"memory", "cpu", "io"};
  for (const std::string_view resource : kResources) {
    // Many kernels are built or booted without it: no fault.
    const auto text = files_.read(proc / "pressure" / resource, kSmallFileBytesMax);
    if (text) report.machine_pressures[resource] = parse_pressure(*text);
  }
}

}  // namespace doctor::host
