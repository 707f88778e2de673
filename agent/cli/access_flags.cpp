#include "agent/cli/access_flags.hpp"

#include <CLI/App.hpp>
#include <memory>

#include "model/text.hpp"

namespace doctor {
namespace {

Error invalid(std::string message) {
  return Error{ErrorCode::invalid_argument, std::move(message)};
}

Result<ExtraHeader> header_of(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == text.size()) {
    // Not repeated: somebody may have typed the value itself.
    return invalid("--header-file takes NAME=FILE: the header's name and the file with its value");
  }
  return ExtraHeader{text.substr(0, equals), {}, text.substr(equals + 1)};
}

}  // namespace

bool AccessFlags::any() const {
  return !ca_file.empty() || !certificate_file.empty() || !key_file.empty() ||
         !bearer_token_file.empty() || !basic_user.empty() || !basic_password_file.empty() ||
         !header_files.empty();
}

void add_access_flags(CLI::App& verb, AccessFlags& flags, const std::string& prefix,
                      const std::string& whose) {
  const std::string group = "Access to " + whose;
  const auto add = [&](const char* name, std::string& into, const char* what, const char* type) {
    verb.add_option("--" + prefix + name, into, what)->type_name(type)->group(group);
  };
  add("ca-file", flags.ca_file, "trust these CA certificates (PEM), not the system's", "FILE");
  add("cert-file", flags.certificate_file, "our certificate and its chain (PEM)", "FILE");
  add("key-file", flags.key_file, "the private key of --cert-file (PEM)", "FILE");
  add("bearer-token-file", flags.bearer_token_file, "a bearer token", "FILE");
  add("basic-auth-user", flags.basic_user, "a user", "NAME");
  add("basic-auth-password-file", flags.basic_password_file, "that user's password", "FILE");
  verb.add_option("--" + prefix + "header-file", flags.header_files,
                  "a header, its value in a file")
      ->type_name("NAME=FILE")
      ->allow_extra_args(false)
      ->group(group);
}

Result<HttpAccess> access_of(const AccessFlags& flags) {
  HttpAccess access;
  access.tls.ca_file = flags.ca_file;
  access.tls.certificate_file = flags.certificate_file;
  access.tls.key_file = flags.key_file;
  access.auth.bearer_token_file = flags.bearer_token_file;
  access.auth.username = flags.basic_user;
  access.auth.password_file = flags.basic_password_file;
  for (const std::string& text : flags.header_files) {
    Result<ExtraHeader> header = header_of(text);
    if (!header) return header.error();
    access.auth.headers.push_back(std::move(*header));
  }
  const std::vector<std::string> problems = problems_of(access);
  if (!problems.empty()) return invalid(problems.front());
  return access;
}

Status apply(const AccessFlags& flags, Config& config, std::size_t first_by_url) {
  if (!flags.any()) return Done{};
  if (config.clusters.size() != first_by_url + 1) {
    return invalid(
        "flags for certificates and credentials need exactly one cluster given by URL; name those "
        "of several clusters in the configuration file");
  }
  ClusterConfig& cluster = config.clusters.back();
  Result<HttpAccess> access = access_of(flags);
  if (!access) return access.error();
  if (access->has_tls() && !any_tls(cluster.flink) && !any_tls(cluster.reporters)) {
    return invalid("certificates are of no use for " + cluster.flink.front().url() +
                   ": an address with TLS begins with https://");
  }
  HttpAccess for_reporters = *access;
  for_reporters.auth = {};
  cluster.access = std::make_shared<const HttpAccess>(std::move(*access));
  cluster.reporter_access = std::make_shared<const HttpAccess>(std::move(for_reporters));
  connect_access(cluster);
  return Done{};
}

}  // namespace doctor
