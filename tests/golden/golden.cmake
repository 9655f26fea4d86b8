# One test a folder: what is observed (observed.yaml) and the plan for it (plan.txt).
add_test_program(golden golden/golden.c golden/world.c golden/observe.c golden/told.c)
file(GLOB cases CONFIGURE_DEPENDS golden/*/observed.yaml)
foreach(case IN LISTS cases)
    get_filename_component(folder ${case} DIRECTORY)
    get_filename_component(name ${folder} NAME)
    add_test(NAME golden_${name} COMMAND golden ${CMAKE_CURRENT_LIST_DIR} ${name})
    set_tests_properties(golden_${name} PROPERTIES LABELS golden TIMEOUT 60)
endforeach()
