// The flags that say how to reach the one cluster given by its URL: whom to trust and what to show.
#pragma once

#include <string>
#include <vector>

#include "agent/config/config.hpp"
#include "model/result.hpp"

namespace CLI {
class App;
}

namespace doctor {

struct AccessFlags {
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  std::string bearer_token_file;
  std::string basic_user;
  std::string basic_password_file;
  std::vector<std::string> header_files;  // NAME=FILE

  bool any() const;
};

/// `prefix`: "" or "history-"; `whose`: what the flags are for, in --help.
void add_access_flags(CLI::App& verb, AccessFlags& flags, const std::string& prefix = {},
                      const std::string& whose = "a cluster given by URL");

/// What the flags say.
Result<HttpAccess> access_of(const AccessFlags& flags);

/// Gives the clusters from `first_by_url` on what the flags say. Their reporters are reached with
/// the same certificates where they are https://, and are never shown the cluster's credentials.
/// Flags for no cluster, or for more than one, are refused: a secret goes to whom it was meant for.
Status apply(const AccessFlags& flags, Config& config, std::size_t first_by_url);

}  // namespace doctor
