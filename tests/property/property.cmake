# Random worlds for the plan: 10000 in all without sanitizers, the first 1000 with them; and the
# cases that once failed. README.md.
file(GLOB sources CONFIGURE_DEPENDS property/*.c)
add_test_program(property ${sources})
file(GLOB decisions CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/controller/base/*.c
     ${CMAKE_SOURCE_DIR}/controller/deploy/*.c ${CMAKE_SOURCE_DIR}/controller/reconcile/zones.c)
add_executable(property_plain ${sources} ${decisions})
target_include_directories(property_plain PRIVATE . ${CMAKE_SOURCE_DIR}/controller)
target_compile_definitions(property_plain PRIVATE _GNU_SOURCE)
target_compile_options(property_plain PRIVATE -O2 -Wall -Werror)
target_link_libraries(property_plain PRIVATE PkgConfig::CJSON PkgConfig::YAML PkgConfig::CRYPTO m)

add_test(NAME property_sanitized COMMAND property --seed 1 --worlds 1000)
set_tests_properties(property_sanitized PROPERTIES ENVIRONMENT
                     ASAN_OPTIONS=malloc_context_size=1:quarantine_size_mb=8)
set(property_tests property_sanitized)
foreach(part RANGE 0 3)
    math(EXPR seed "${part} * 2500 + 1")
    add_test(NAME property_worlds_${part} COMMAND property_plain --seed ${seed} --worlds 2500)
    list(APPEND property_tests property_worlds_${part})
endforeach()
file(GLOB cases CONFIGURE_DEPENDS property/cases/*.world)
foreach(case IN LISTS cases)
    get_filename_component(name ${case} NAME_WE)
    add_test(NAME property_case_${name} COMMAND property --case ${case})
    list(APPEND property_tests property_case_${name})
endforeach()
set_tests_properties(${property_tests} PROPERTIES LABELS property TIMEOUT 900)
