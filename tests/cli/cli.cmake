# shopflow: unit tests of its parts, and the program itself against real git repositories.
function(add_cli_program name)
    add_executable(${name} ${ARGN} ${CLI_OBJECTS})
    target_include_directories(${name} PRIVATE . unit)
    target_link_libraries(${name} PRIVATE flags cli PkgConfig::CUNIT)
endfunction()

file(GLOB cli_units CONFIGURE_DEPENDS cli/unit_*.c)
foreach(source IN LISTS cli_units)
    get_filename_component(name ${source} NAME_WE)
    add_cli_program(${name} ${source})
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS cli TIMEOUT 120)
endforeach()

# What test_marks.py runs beside the program.
add_cli_program(run_writes cli/run_writes.c)

# Each tests/cli/test_<name>.py runs the program.
file(GLOB cli_scripts CONFIGURE_DEPENDS cli/test_*.py)
foreach(script IN LISTS cli_scripts)
    get_filename_component(name ${script} NAME_WE)
    string(REPLACE "test_" "cli_" name ${name})
    add_test(NAME ${name} COMMAND python3 ${script} $<TARGET_FILE:shopflow>)
    set_tests_properties(${name} PROPERTIES LABELS cli TIMEOUT 300
        ENVIRONMENT RUN_WRITES=$<TARGET_FILE:run_writes>)
endforeach()

# cli/images.h against docker-registry and a registry that misbehaves.
add_cli_program(images_tool cli/tool/images_tool.c)
add_test(NAME cli_images COMMAND python3 -W ignore ${CMAKE_CURRENT_SOURCE_DIR}/cli/images.py
         $<TARGET_FILE:images_tool>)
set_tests_properties(cli_images PROPERTIES LABELS cli TIMEOUT 300)
