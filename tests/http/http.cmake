# Each tests/http/<script>.http is a test of its own.
file(GLOB scenes CONFIGURE_DEPENDS http/*.c)
add_test_program(conversation ${scenes})
target_include_directories(conversation PRIVATE http)

file(GLOB scripts CONFIGURE_DEPENDS http/*.http)
foreach(script IN LISTS scripts)
    get_filename_component(name ${script} NAME_WE)
    add_test(NAME http_${name} COMMAND conversation ${script})
    set_tests_properties(http_${name} PROPERTIES LABELS http TIMEOUT 120)
endforeach()
