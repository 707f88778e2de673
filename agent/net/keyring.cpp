#include "agent/net/keyring.hpp"

#include <openssl/evp.h>

#include "agent/net/access.hpp"

namespace doctor {
namespace {

constexpr std::chrono::seconds kReplacementGrace{30};

std::vector<std::string> files_of(const HttpAccess* access) {
  if (access == nullptr) return {};
  std::vector<std::string> files{access->tls.ca_file, access->tls.certificate_file,
                                 access->tls.key_file, access->auth.password_file,
                                 access->auth.bearer_token_file};
  for (const ExtraHeader& header : access->auth.headers) files.push_back(header.file);
  std::erase(files, "");
  return files;
}

std::string base64(const std::string& text) {
  std::string encoded((text.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL ends it with a NUL
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  encoded.resize(static_cast<std::size_t>(size));
  return encoded;
}

/// The header lines; nothing is sent when one of the files is not as it should be.
Result<Secret> header_lines(const AuthSettings& auth, const Limits& limits) {
  std::string lines;
  if (!auth.username.empty()) {
    const Result<Secret> password =
        read_secret_line(auth.password_file, limits.secret_file_bytes_max);
    if (!password) return password.error();
    lines += "Authorization: Basic " + base64(auth.username + ":" + password->reveal()) + "\r\n";
  } else if (!auth.bearer_token_file.empty()) {
    const Result<Secret> token =
        read_secret_line(auth.bearer_token_file, limits.secret_file_bytes_max);
    if (!token) return token.error();
    lines += "Authorization: Bearer " + token->reveal() + "\r\n";
  }
  for (const ExtraHeader& header : auth.headers) {
    const Result<Secret> value = header.file.empty()
                                     ? Result<Secret>(header.value)
                                     : read_secret_line(header.file, limits.secret_file_bytes_max);
    if (!value) return value.error();
    lines += header.name + ": " + value->reveal() + "\r\n";
  }
  return Secret(std::move(lines));
}

Result<Credentials> load(const HttpAccess* access, bool tls, const Limits& limits) {
  Credentials credentials;
  if (tls) {
    Result<TlsContext> context = make_tls_context(access, limits);
    if (!context) return context.error();
    credentials.tls = std::move(*context);
  }
  if (access == nullptr) return credentials;
  Result<Secret> headers = header_lines(access->auth, limits);
  if (!headers) return headers.error();
  credentials.headers = std::move(*headers);
  return credentials;
}

}  // namespace

Result<Credentials> Keyring::credentials(const Endpoint& endpoint) {
  if (!endpoint.tls && !endpoint.access) return Credentials{};
  const auto [found, fresh] = entries_.try_emplace({endpoint.access.get(), endpoint.tls});
  Entry& entry = found->second;
  const Clock::time_point now = Clock::now();
  const std::chrono::milliseconds recheck(limits_.credentials_recheck_ms);
  if (fresh) entry.access = endpoint.access;
  if (fresh || now - entry.checked_at >= recheck) refresh(entry, endpoint.tls, now);
  const bool replacing = !entry.current && entry.former && entry.failing_since &&
                         now - *entry.failing_since < kReplacementGrace;
  if (replacing) return *entry.former;
  return entry.current;
}

void Keyring::refresh(Entry& entry, bool tls, Clock::time_point now) const {
  const HttpAccess* access = entry.access.get();
  // Before the files are read: what changes in between is then seen the next time.
  Stamps stamps;
  for (const std::string& file : files_of(access)) stamps.push_back(file_stamp(file));
  entry.checked_at = now;
  if (entry.current && stamps == entry.stamps) return;
  entry.stamps = std::move(stamps);
  entry.current = load(access, tls, limits_);
  if (entry.current) {
    entry.former = *entry.current;
    entry.failing_since.reset();
  } else if (!entry.failing_since) {
    entry.failing_since = now;
  }
}

}  // namespace doctor
