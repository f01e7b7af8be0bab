import { describeCrashes } from '../../../helpers/core/crash/describe-crashes.ts';
import { filesScenarios } from '../../../helpers/core/crash/scenarios/files-scenarios.ts';

describeCrashes(filesScenarios);
