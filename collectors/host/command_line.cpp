#include "collectors/host/command_line.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "collectors/host/lines.hpp"

namespace doctor::host {
namespace {

constexpr std::size_t kArgumentsMax = 4096;
constexpr std::size_t kOptionsMax = 512;
constexpr std::size_t kValueBytesMax = 4096;

struct EntryPoint {
  std::string_view main_class;  // without "org.apache.flink."
  Role role;
  std::string_view deployment;
};
// Flink 1.13 to 2.3; the first application entry point is that of ≤ 1.10.
constexpr std::array<EntryPoint, 11> kEntryPoints{{
    {"runtime.taskexecutor.TaskManagerRunner", Role::task_manager, "standalone"},
    {"runtime.entrypoint.StandaloneSessionClusterEntrypoint", Role::job_manager, "standalone"},
    {"container.entrypoint.StandaloneJobClusterEntryPoint", Role::job_manager, "standalone"},
    {"container.entrypoint.StandaloneApplicationClusterEntryPoint", Role::job_manager,
     "standalone"},
    {"kubernetes.taskmanager.KubernetesTaskExecutorRunner", Role::task_manager, "kubernetes"},
    {"kubernetes.entrypoint.KubernetesSessionClusterEntrypoint", Role::job_manager, "kubernetes"},
    {"kubernetes.entrypoint.KubernetesApplicationClusterEntrypoint", Role::job_manager,
     "kubernetes"},
    {"yarn.YarnTaskExecutorRunner", Role::task_manager, "yarn"},
    {"yarn.entrypoint.YarnSessionClusterEntrypoint", Role::job_manager, "yarn"},
    {"yarn.entrypoint.YarnJobClusterEntrypoint", Role::job_manager, "yarn"},
    {"yarn.entrypoint.YarnApplicationClusterEntryPoint", Role::job_manager, "yarn"},
}};

const EntryPoint* entry_point(std::string_view main_class) {
  constexpr std::string_view kPackage = "org.apache.flink.";
  if (!main_class.starts_with(kPackage)) return nullptr;
  main_class.remove_prefix(kPackage.size());
  const auto* const found =
      std::find_if(kEntryPoints.begin(), kEntryPoints.end(),
                   [&](const EntryPoint& entry) { return entry.main_class == main_class; });
  return found == kEntryPoints.end() ? nullptr : found;
}

std::vector<std::string_view> arguments(std::string_view cmdline) {
  std::vector<std::string_view> all;
  while (!cmdline.empty() && all.size() < kArgumentsMax) {
    const std::size_t end = cmdline.find('\0');
    all.push_back(cmdline.substr(0, end));
    cmdline.remove_prefix(end == std::string_view::npos ? cmdline.size() : end + 1);
  }
  return all;
}

bool is_java(std::string_view program) {
  program = program.substr(program.rfind('/') + 1);  // npos + 1 is 0
  return program == "java" || program == "jsvc";
}

/// Options of `java` whose value is the next argument.
bool takes_value(std::string_view option) {
  constexpr std::array<std::string_view, 9> kWithValue{
      "-cp", "-classpath",    "--class-path",   "-p", "--module-path", "--upgrade-module-path",
      "-d",  "--add-modules", "--limit-modules"};
  return std::find(kWithValue.begin(), kWithValue.end(), option) != kWithValue.end();
}

/// "key=value"; the last of equal keys wins, as it does for the JVM and for Flink.
void set_option(Options& options, std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos) return;
  if (text.size() > kValueBytesMax || options.size() >= kOptionsMax) return;
  options[std::string(text.substr(0, equals))] = text.substr(equals + 1);
}

void read_jvm_option(CommandLine& line, std::string_view option, std::string_view next) {
  constexpr std::string_view kMetaspace = "-XX:MaxMetaspaceSize=";
  constexpr std::string_view kDirect = "-XX:MaxDirectMemorySize=";
  if (option.starts_with("-D")) set_option(line.properties, option.substr(2));
  if (option.starts_with("-Xmx")) line.heap_max_bytes = parse_jvm_size(option.substr(4));
  if (option.starts_with(kMetaspace)) {
    line.metaspace_max_bytes = parse_jvm_size(option.substr(kMetaspace.size()));
  }
  if (option.starts_with(kDirect)) {
    line.direct_max_bytes = parse_jvm_size(option.substr(kDirect.size()));
  }
  if (option == "-cp" || option == "-classpath" || option == "--class-path") line.class_path = next;
}

}  // namespace

std::string_view to_string(Role role) {
  return role == Role::job_manager ? "jobmanager" : "taskmanager";
}

std::optional<std::uint64_t> parse_jvm_size(std::string_view text) {
  unsigned shift = 0;
  if (!text.empty()) {
    const std::size_t unit = std::string_view("kmgt").find(static_cast<char>(text.back() | 0x20));
    if (unit != std::string_view::npos) {
      shift = 10U * (static_cast<unsigned>(unit) + 1U);
      text.remove_suffix(1);
    }
  }
  const auto number = whole(text);
  if (!number || *number > (UINT64_MAX >> shift)) return {};
  return *number << shift;
}

std::optional<CommandLine> parse_command_line(std::string_view cmdline) {
  const auto all = arguments(cmdline);
  if (all.empty() || !is_java(all[0])) return {};
  CommandLine line;
  std::size_t i = 1;
  for (; i < all.size() && (all[i].starts_with('-') || all[i].starts_with('@')); ++i) {
    const std::string_view next = i + 1 < all.size() ? all[i + 1] : std::string_view{};
    read_jvm_option(line, all[i], next);
    if (takes_value(all[i])) ++i;
  }
  const EntryPoint* entry = i < all.size() ? entry_point(all[i]) : nullptr;
  if (entry == nullptr) return {};
  line.role = entry->role;
  line.deployment = entry->deployment;
  for (++i; i < all.size(); ++i) {
    const bool more = i + 1 < all.size();
    if (all[i] == "-D" && more) {
      set_option(line.options, all[++i]);
    } else if (all[i].starts_with("-D")) {
      set_option(line.options, all[i].substr(2));
    } else if ((all[i] == "--configDir" || all[i] == "-c") && more) {
      line.conf_dir = all[++i].substr(0, kValueBytesMax);
    }
  }
  return line;
}

}  // namespace doctor::host
