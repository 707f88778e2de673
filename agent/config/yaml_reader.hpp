// Walks a YAML document and collects problems instead of stopping at the first. yaml-cpp stays in
// this file and in those that include it.
#pragma once

#include <yaml-cpp/yaml.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.hpp"
#include "model/time.hpp"

namespace doctor {

class YamlReader {
 public:
  std::string problems;  // one a line: "clusters[0].flink: …"

 protected:
  using Field = std::function<void(const YAML::Node&, const std::string& path)>;

  void complain(const std::string& path, const std::string& problem);
  /// Calls the field's reader for every key; unknown keys are problems, since a typo is silent
  /// harm.
  void fields(const YAML::Node& node, const std::string& path,
              const std::map<std::string, Field>& known);
  std::string text(const YAML::Node& node, const std::string& path);
  std::vector<std::string> texts(const YAML::Node& node, const std::string& path);
  std::map<std::string, std::string> map_of_texts(const YAML::Node& node, const std::string& path);
  /// At least a second.
  void duration(const YAML::Node& node, const std::string& path, DurationMs& into);
  bool yes_or_no(const YAML::Node& node, const std::string& path);

  /// `parse`: text → Result<T>.
  template <class T, class Parse>
  std::vector<T> list_of(const YAML::Node& node, const std::string& path, Parse parse);
  /// One of `names`, a range of (name, value).
  template <class T, class Names>
  void one_of(const YAML::Node& node, const std::string& path, const Names& names, T& into);
};

template <class T, class Parse>
std::vector<T> YamlReader::list_of(const YAML::Node& node, const std::string& path, Parse parse) {
  std::vector<T> all;
  for (const std::string& item : texts(node, path)) {
    Result<T> parsed = parse(item);
    if (!parsed) {
      complain(path, parsed.error().message);
    } else {
      all.push_back(std::move(*parsed));
    }
  }
  return all;
}

template <class T, class Names>
void YamlReader::one_of(const YAML::Node& node, const std::string& path, const Names& names,
                        T& into) {
  const std::string given = text(node, path);
  std::string choices;
  for (const auto& [name, value] : names) {
    if (name == given) {
      into = value;
      return;
    }
    choices.append(choices.empty() ? "" : ", ").append(name);
  }
  complain(path, "is one of " + choices);
}

}  // namespace doctor
