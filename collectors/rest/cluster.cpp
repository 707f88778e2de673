// What does not change while a JobManager lives: version, configuration, JVM options.
#include <cctype>
#include <charconv>

#include "collectors/rest/json.hpp"
#include "collectors/rest/parse.hpp"
#include "model/text.hpp"

namespace doctor::rest {
namespace {

constexpr std::size_t kOptionsMax = 1000;
constexpr std::size_t kOptionBytesMax = 4096;  // env.java.opts may be long, and its end matters
constexpr std::string_view kMetaspaceFlag = "-XX:MaxMetaspaceSize=";

/// "1.20.5", "1.15.2-vvp-2.9", "2.3-SNAPSHOT"
FlinkVersion version_in(const std::string& text) {
  FlinkVersion version;
  version.text = printable(text, 64);
  const char* end = text.data() + text.size();
  int major = 0;
  int minor = 0;
  const auto [dot, bad_major] = std::from_chars(text.data(), end, major);
  if (bad_major != std::errc{} || dot == end || *dot != '.' || major < 0) return version;
  const auto [rest, bad_minor] = std::from_chars(dot + 1, end, minor);
  if (bad_minor != std::errc{} || minor < 0) return version;
  version.major = major;
  version.minor = minor;
  return version;
}

std::string what_it_looks_like(std::string_view body) {
  const std::size_t first = body.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return "an empty answer";
  if (body[first] == '<') return "HTML or XML";
  return "\"" + printable(body.substr(first, 60), 48) + "\"";
}

}  // namespace

Result<FlinkVersion> parse_version(std::string_view body) {
  const Result<Json> json = load(body, Limits{}.json_depth_max);
  if (!json.ok() || !json->is_object()) {
    return Error{ErrorCode::not_flink, "not Flink: answers " + what_it_looks_like(body)};
  }
  std::optional<Error> fault;
  const Node root(*json, fault);
  const std::optional<std::string> text = root["flink-version"].text_if();
  if (!text) return Error{ErrorCode::not_flink, "not Flink: JSON without a flink-version"};
  return version_in(*text);
}

Result<std::map<std::string, std::string>> parse_configuration(std::string_view body,
                                                               const Limits& limits) {
  const Result<Json> json = load(body, limits.json_depth_max);
  if (!json.ok()) return json.error();
  std::optional<Error> fault;
  const Node root(*json, fault);
  std::map<std::string, std::string> configuration;
  root.for_each(kOptionsMax, [&](const Node& node) {
    const std::string key = printable(node["key"].text(), limits.name_bytes_max);
    const std::optional<std::string> value = node["value"].text_if();
    if (value) configuration[key] = printable(*value, kOptionBytesMax);
  });
  if (fault) return *fault;
  return configuration;
}

Result<std::vector<std::string>> parse_jvm_options(std::string_view body, const Limits& limits) {
  const Result<Json> json = load(body, limits.json_depth_max);
  if (!json.ok()) return json.error();
  std::optional<Error> fault;
  const Node root(*json, fault);
  const Node jvm = root["jvm"];
  std::vector<std::string> options;
  jvm["options"].for_each(kOptionsMax, [&](const Node& node) {
    options.push_back(printable(node.text(), kOptionBytesMax));
  });
  if (fault) return *fault;
  return options;
}

std::optional<double> metaspace_limit(const std::vector<std::string>& jvm_options) {
  std::optional<double> limit;  // of several, the JVM takes the last
  for (const std::string& option : jvm_options) {
    if (!option.starts_with(kMetaspaceFlag)) continue;
    const char* first = option.data() + kMetaspaceFlag.size();
    const char* end = option.data() + option.size();
    std::uint64_t number{};
    const auto [rest, error] = std::from_chars(first, end, number);
    if (error != std::errc{} || end - rest > 1) continue;
    double bytes = static_cast<double>(number);
    if (rest != end) {
      const std::size_t power =
          std::string_view("kmgt").find(static_cast<char>(std::tolower(*rest)));
      if (power == std::string_view::npos) continue;
      for (std::size_t i = 0; i <= power; ++i) bytes *= 1024;
    }
    limit = bytes;
  }
  return limit;
}

}  // namespace doctor::rest
