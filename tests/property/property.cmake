# Random worlds for the plan, 10000 in all, and the cases that once failed.
file(GLOB sources CONFIGURE_DEPENDS property/*.c)
add_test_program(property ${sources})
foreach(part RANGE 0 3)
    math(EXPR seed "${part} * 2500 + 1")
    add_test(NAME property_worlds_${part} COMMAND property --seed ${seed} --worlds 2500)
    # A world is many small allocations: how each came to be is told by --replay.
    set_tests_properties(property_worlds_${part} PROPERTIES LABELS property TIMEOUT 300 ENVIRONMENT
                         ASAN_OPTIONS=malloc_context_size=1:quarantine_size_mb=8)
endforeach()
file(GLOB cases CONFIGURE_DEPENDS property/cases/*.world)
foreach(case IN LISTS cases)
    get_filename_component(name ${case} NAME_WE)
    add_test(NAME property_case_${name} COMMAND property --case ${case})
    set_tests_properties(property_case_${name} PROPERTIES LABELS property TIMEOUT 60)
endforeach()
