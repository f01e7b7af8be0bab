import { describeCrashes } from '../../../helpers/core/crash/describe-crashes.ts';
import { poolScenarios } from '../../../helpers/core/crash/scenarios/pool-scenarios.ts';

describeCrashes(poolScenarios);
