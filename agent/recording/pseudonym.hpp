// Pseudonyms: what stands for a name or a text that nobody else shall read. The same name has the
// same pseudonym all through one recording, and none that could be guessed without its key, which
// is never written.
#pragma once

#include <string>
#include <string_view>

namespace doctor {

class Pseudonyms {
 public:
  Pseudonyms();  // with a key of its own

  /// "job_3fa9c1d2e4": only characters that reporters leave alone, and equal for a name and for
  /// what a reporter makes of it. Empty stays empty.
  std::string name(std::string_view prefix, std::string_view name) const;
  /// Keeps the words by which detectors tell faults apart and the classes of Flink, Java and the
  /// like; every other run of words becomes one pseudonym.
  std::string text(std::string_view text) const;
  /// A frame of a stack: as it is from Flink, Java and the like, else a pseudonym of its method.
  std::string frame(std::string_view frame) const;
  /// "Map -> Sink (1/2) - execution #3": the vertex' name alone is replaced.
  std::string task(std::string_view task) const;
  /// "tm-1:9249": the host is replaced, the port stays.
  std::string address(std::string_view address) const;
  /// An option's value: numbers, sizes, durations and words of Flink stay.
  std::string value(std::string_view key, std::string_view value) const;
  /// "-Xmx512m", "-XX:+UseG1GC" stay; agents, paths and properties do not.
  std::string jvm_option(std::string_view option) const;

 private:
  std::string key_;
};

/// Whether Flink's own rules call it a secret (GlobalConfiguration.SENSITIVE_KEYS), or ours do.
bool is_sensitive_option(std::string_view key);

}  // namespace doctor
