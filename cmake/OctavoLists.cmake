# Source lists are text files read by CMake and by Meson: one path a line, relative to the list's folder, `#` starts a comment.

# Absolute paths named by the list, empty while the list does not exist.
function(octavo_read_list out list)
  set(file ${PROJECT_SOURCE_DIR}/${list})
  set(result "")
  get_filename_component(folder ${file} DIRECTORY)
  if(EXISTS ${file})
    set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(STRINGS ${file} lines)
    foreach(line IN LISTS lines)
      string(REGEX REPLACE "#.*$" "" line "${line}")
      string(STRIP "${line}" line)
      if(line)
        list(APPEND result ${folder}/${line})
      endif()
    endforeach()
  elseif(EXISTS ${folder})
    # A list that appears later makes the build configure again.
    set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder})
  endif()
  set(${out} "${result}" PARENT_SCOPE)
endfunction()

# Puts the objects of an object library into a target.
function(octavo_add_objects target objects)
  if(TARGET ${objects})
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${objects}>)
  endif()
endfunction()
