# Every scenario of the modules below as a test of its own, against one cluster with
# simulated nodes; node.py and node_rules.py against a real node. The fixtures bring the clusters up; they stay up.
set(E2E ${CMAKE_CURRENT_SOURCE_DIR}/e2e)
set(HACK ${CMAKE_SOURCE_DIR}/hack)
find_package(Python3 COMPONENTS Interpreter REQUIRED)
file(GLOB e2e_sources CONFIGURE_DEPENDS ${E2E}/*.py)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${e2e_sources})
add_test(NAME simulated_cluster_up COMMAND ${HACK}/cluster.sh up)
set_tests_properties(simulated_cluster_up PROPERTIES FIXTURES_SETUP simulated LABELS e2e TIMEOUT 3000)

add_test_program(spec_verdict ${E2E}/spec_verdict.c)

# names_of(<module> <variable>): of the scenarios in it
function(names_of module variable)
    execute_process(COMMAND ${CMAKE_COMMAND} -E env PYTHONDONTWRITEBYTECODE=1
                    ${Python3_EXECUTABLE} ${E2E}/run.py --list ${module}
                    OUTPUT_VARIABLE names OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    string(REPLACE "\n" ";" names "${names}")
    set(${variable} "${names}" PARENT_SCOPE)
endfunction()

# add_scenarios(<module> <labels> <timeout>)
function(add_scenarios module labels timeout)
    names_of(${module} names)
    foreach(name IN LISTS names)
        add_test(NAME e2e_${name} COMMAND ${HACK}/with-cluster.sh ${Python3_EXECUTABLE} ${E2E}/run.py ${name})
        set_tests_properties(e2e_${name} PROPERTIES LABELS "${labels}" TIMEOUT ${timeout} FIXTURES_REQUIRED simulated
            ENVIRONMENT "CONTROLLER=$<TARGET_FILE:btc-shopflow-deployer>;SHOPFLOW=$<TARGET_FILE:shopflow>;SPEC_VERDICT=$<TARGET_FILE:spec_verdict>;E2E_LOGS=${CMAKE_BINARY_DIR}/e2e-logs;PYTHONDONTWRITEBYTECODE=1")
    endforeach()
endfunction()
add_scenarios(scenarios e2e 300)
add_scenarios(rights e2e 300)
add_scenarios(hands e2e 300)
add_scenarios(readers e2e 300)
add_scenarios(holds e2e 300)
add_scenarios(order e2e 300)
add_scenarios(workloads e2e 300)
add_scenarios(schema e2e 300)
add_scenarios(shopflow e2e 300)
add_scenarios(shopflow_up e2e 300)
add_scenarios(faults "e2e;torture" 300)
add_scenarios(torture "e2e;torture" 600)

# Pages whose commands are run as they stand.
foreach(page gitops releases troubleshooting troubleshooting.zh)
    add_test(NAME page_${page} COMMAND ${HACK}/with-cluster.sh ${Python3_EXECUTABLE}
             ${CMAKE_CURRENT_SOURCE_DIR}/docs/run_page.py ${CMAKE_SOURCE_DIR}/docs/${page}.md)
    set_tests_properties(page_${page} PROPERTIES LABELS e2e TIMEOUT 600 FIXTURES_REQUIRED simulated
        ENVIRONMENT "CONTROLLER=$<TARGET_FILE:btc-shopflow-deployer>;E2E_LOGS=${CMAKE_BINARY_DIR}/e2e-logs;PYTHONDONTWRITEBYTECODE=1")
endforeach()

add_test(NAME crd_bounds COMMAND ${HACK}/with-cluster.sh ${E2E}/crd_bounds.sh)
set_tests_properties(crd_bounds PROPERTIES LABELS e2e TIMEOUT 240 FIXTURES_REQUIRED simulated)
add_test(NAME chart COMMAND ${HACK}/with-cluster.sh ${HACK}/check-manifests.sh --server)
set_tests_properties(chart PROPERTIES LABELS e2e TIMEOUT 600 FIXTURES_REQUIRED simulated)

# The main job on the real node (as root): the demo, then what it wrote and how real pods fail. One at
# a time: their traffic must not lose a request because the machine is busy with other tests.
add_test(NAME node_up COMMAND ${HACK}/cluster.sh up --node)
set_tests_properties(node_up PROPERTIES FIXTURES_SETUP node LABELS node TIMEOUT 3000)
add_test(NAME node_demo COMMAND ${HACK}/demo.sh)
set_tests_properties(node_demo PROPERTIES FIXTURES_REQUIRED node FIXTURES_SETUP demo LABELS node TIMEOUT 1200
    RUN_SERIAL ON)
names_of(node names)
names_of(node_rules rules)
foreach(name IN LISTS names rules)
    add_test(NAME node_${name} COMMAND ${HACK}/with-cluster.sh --node ${Python3_EXECUTABLE} ${E2E}/run.py ${name})
    set_tests_properties(node_${name} PROPERTIES FIXTURES_REQUIRED demo LABELS node TIMEOUT 240 RUN_SERIAL ON
        ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
endforeach()
