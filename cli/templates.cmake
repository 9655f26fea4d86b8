# Writes templates.c: files of examples/monorepo as the texts of cli/template.h.
set(TEMPLATE_DIR ${CMAKE_SOURCE_DIR}/examples/monorepo)
set(TEMPLATE_FILES .dockerignore .github/actions/shopflow/action.yml .github/workflows/k8s-incremental.yml
    .github/workflows/pull-request.yml .gitlab-ci.yml .k8s-config.example Dockerfile k8s/system-app.yaml
    scripts/build-incremental-k8s.sh scripts/setup-private-registry.sh shopflow.yaml)

set(rows "")
foreach(path IN LISTS TEMPLATE_FILES)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${TEMPLATE_DIR}/${path})
    file(READ ${TEMPLATE_DIR}/${path} text HEX)
    string(REGEX REPLACE "(..)" "\\\\x\\1" text "${text}")
    # In pieces, for a compiler need not take a longer one.
    string(REGEX REPLACE "((\\\\x..)(\\\\x..)(\\\\x..)(\\\\x..)(\\\\x..)(\\\\x..)(\\\\x..)(\\\\x..))" "\\1\"\n\"" text "${text}")
    set(program false)
    if(path MATCHES "\\.sh$")
        set(program true)
    endif()
    string(APPEND rows "{ \"${path}\", \"${text}\", ${program} },\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/templates.c CONTENT
    "#include \"template.h\"\n\nconst struct template TEMPLATES[] = {\n@rows@{ 0, 0, false },\n};\n" @ONLY)
