// Reads the blocks that say whom to trust and what to show: tls and auth.
#pragma once

#include <memory>
#include <string>

#include "agent/config/yaml_reader.hpp"
#include "agent/net/access.hpp"

namespace doctor {

class AccessReader : public YamlReader {
 protected:
  void read_tls(const YAML::Node& node, const std::string& path, HttpAccess& access);
  void read_auth(const YAML::Node& node, const std::string& path, HttpAccess& access);
  /// Settled when the whole block is read: `any_tls`, whether one of its addresses is https.
  std::shared_ptr<const HttpAccess> settle(HttpAccess access, bool any_tls);

 private:
  ExtraHeader read_header(const std::string& name, const YAML::Node& node, const std::string& path);
};

}  // namespace doctor
