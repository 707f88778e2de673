# Writes a C++ file that holds every runbook page: runbook("metaspace_leak") → its text.
set(text "#include \"detectors/registry.hpp\"\n\nnamespace doctor {\n\nstd::string_view runbook([[maybe_unused]] std::string_view detector) {\n")
foreach(page IN LISTS RUNBOOKS)
  get_filename_component(name ${page} NAME_WE)
  file(READ ${page} body)
  string(APPEND text "  if (detector == \"${name}\") return R\"runbook(${body})runbook\";\n")
endforeach()
string(APPEND text "  return {};\n}\n\n}  // namespace doctor\n")
file(WRITE ${OUTPUT} "${text}")
