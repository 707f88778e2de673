#include "agent/recording/pseudonym.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <random>
#include <set>

#include "model/text.hpp"

namespace doctor {
namespace {

// GlobalConfiguration.java, SENSITIVE_KEYS of Flink 2.2, and two more that it forgets.
constexpr std::array<std::string_view, 14> kSensitive{
    "password",   "secret",      "fs.azure.account.key", "apikey",
    "api-key",    "auth-params", "service-key",          "token",
    "basic-auth", "jaas.config", "http-headers",         "access-key",
    "access.key", "credential"};

constexpr std::array<std::string_view, 16> kKnownPackages{
    "org.apache.",     "java.",      "javax.",
    "java.base/",      "jdk.",       "sun.",
    "com.sun.",        "scala.",     "akka.",
    "org.rocksdb.",    "io.netty.",  "com.esotericsoftware.",
    "org.postgresql.", "com.mysql.", "io.fabric8.",
    "software.amazon."};

// Of what Flink and the JVM write and detectors look for.
constexpr std::string_view kWords =
    " a acquire Async BLOB blobStore buffer buffers by call cancelled caused Checkpoint checkpoint "
    "class closed coordinator Coordinator Compressed connection Could could create declined "
    "Declined Direct Disconnect device down during exceeded Exceeded executor expired Expired "
    "failed Failed Failure failure fetch for from function GC has Heartbeat heap id Insufficient "
    "IOException is Java JobManager leadership left limit longer lost Lost manager memory "
    "Metaspace "
    "minimum native network new no No not number of on or OutOfMemoryError overhead reachable "
    "registered remote required resources responsible shutting space task TaskExecutor TaskManager "
    "taskmanager thread threshold timed timeout to tolerable Tolerable unable under unexpectedly "
    "was with The the before completing completed triggering trigger checkpoints "
    "PartitionNotFoundException ProducerFailedException RemoteTransportException "
    "LocalTransportException NoResourceAvailableException CancelTaskException "
    "NoClassDefFoundError ClassNotFoundException NoSuchFileException FileNotFoundException ";

// The last part of options whose values are words of Flink.
constexpr std::array<std::string_view, 14> kWordOptions{
    "type",      "mode",      "backend",           "strategy", "class",    "factory.class",
    "reporters", "scheduler", "high-availability", "delay",    "interval", "timeout",
    "enabled",   "policy"};

bool is_known_class(std::string_view text) {
  return std::any_of(kKnownPackages.begin(), kKnownPackages.end(),
                     [&](std::string_view package) { return text.starts_with(package); });
}

bool is_word(std::string_view text) {
  static const std::set<std::string_view> kAll = [] {
    std::set<std::string_view> all;
    for (std::size_t at = 1; at < kWords.size();) {
      const std::size_t end = kWords.find(' ', at);
      all.insert(kWords.substr(at, end - at));
      at = end + 1;
    }
    return all;
  }();
  return kAll.contains(text);
}

/// Of "(java.io.IOException:", what stands between the marks.
std::string_view core_of(std::string_view token) {
  constexpr std::string_view kMarks = ".,:;()[]'\"";
  const std::size_t begin = token.find_first_not_of(kMarks);
  if (begin == std::string_view::npos) return token;
  return token.substr(begin, token.find_last_not_of(kMarks) - begin + 1);
}

bool may_stay(std::string_view token) {
  const std::string_view core = core_of(token);
  return is_word(core) || is_known_class(core) || core == "/tmp";
}

bool is_hex_id(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// "512m", "10 min", "true", "0.4"
bool is_quantity(std::string_view value) {
  if (value == "true" || value == "false") return true;
  const std::size_t number = value.find_first_not_of("0123456789.-");
  if (number == 0) return false;
  if (number == std::string_view::npos) return std::count(value.begin(), value.end(), '.') < 2;
  const std::string_view unit = value.substr(number);
  return unit.size() <= 8 && std::all_of(unit.begin(), unit.end(), [](unsigned char c) {
           return std::isalpha(c) != 0 || c == ' ';
         });
}

}  // namespace

bool is_sensitive_option(std::string_view key) {
  std::string lower(key);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::any_of(kSensitive.begin(), kSensitive.end(),
                     [&](std::string_view part) { return lower.find(part) != std::string::npos; });
}

Pseudonyms::Pseudonyms() {
  std::random_device device;
  for (int i = 0; i < 8; ++i) key_ += std::to_string(device());
}

std::string Pseudonyms::name(std::string_view prefix, std::string_view name) const {
  if (name.empty() || is_hex_id(name)) return std::string(name);
  const std::string same = reporter_filtered(name);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  ::HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
         reinterpret_cast<const unsigned char*>(same.data()), same.size(),  // NOLINT: bytes
         digest.data(), nullptr);
  std::string pseudonym(prefix);
  pseudonym.push_back('_');
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (std::size_t i = 0; i < 5; ++i) {
    pseudonym.push_back(kDigits[digest[i] >> 4U]);
    pseudonym.push_back(kDigits[digest[i] & 0xFU]);
  }
  return pseudonym;
}

std::string Pseudonyms::text(std::string_view text) const {
  std::string result;
  std::string hidden;
  const auto add = [&](std::string_view words) {
    if (!words.empty()) result.append(result.empty() ? "" : " ").append(words);
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view token = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (may_stay(token)) {
      add(name("text", hidden));
      hidden.clear();
      add(token);
    } else {
      hidden.append(hidden.empty() ? "" : " ").append(token);
    }
  }
  add(name("text", hidden));
  return result;
}

std::string Pseudonyms::frame(std::string_view frame) const {
  if (is_known_class(frame)) return std::string(frame);
  return name("code", frame.substr(0, frame.find('(')));
}

std::string Pseudonyms::task(std::string_view task) const {
  const std::size_t parenthesis = task.rfind(" (");
  const std::string_view tail =
      parenthesis == std::string_view::npos ? std::string_view{} : task.substr(parenthesis);
  const bool is_place =
      tail.find_first_not_of(" (0123456789/)-execution#") == std::string_view::npos;
  if (!is_place) return name("vertex", task);
  return name("vertex", task.substr(0, task.size() - tail.size())).append(tail);
}

std::string Pseudonyms::address(std::string_view address) const {
  const std::size_t colon = address.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && colon + 1 < address.size() &&
      address.find_first_not_of("0123456789-", colon + 1) == std::string_view::npos;
  if (!has_port) return name("host", address);
  return name("host", address.substr(0, colon)).append(address.substr(colon));
}

std::string Pseudonyms::value(std::string_view key, std::string_view value) const {
  const bool is_flinks = std::any_of(kWordOptions.begin(), kWordOptions.end(),
                                     [&](std::string_view end) { return key.ends_with(end); });
  const bool is_plain = value.find_first_of("/:@\\") == std::string_view::npos;
  const bool is_class = value.find('.') != std::string_view::npos;
  if (is_quantity(value) || is_known_class(value)) return std::string(value);
  if (is_flinks && is_plain && !is_class) return std::string(value);
  return name("value", value);
}

std::string Pseudonyms::jvm_option(std::string_view option) const {
  const bool is_plain = option.find_first_of("/@") == std::string_view::npos;
  if (option.starts_with("-X") && is_plain) return std::string(option);
  return name("option", option);
}

}  // namespace doctor
